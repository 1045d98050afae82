"""Post-training quantization: fold batch norm, equalize, correct biases, measure how sensitive each layer is."""
