"""Raw material for experiments: data sets, networks, training."""
