from qlab.torch_flow import integer_flow, torch_ao


def test_both_flows_have_the_same_names():
    # `quiet` silences both, and NOT_HERE is what our dynamic quantization says of what it lacks.
    assert set(integer_flow.__all__) - {"NOT_HERE"} == set(torch_ao.__all__) - {"quiet"}
