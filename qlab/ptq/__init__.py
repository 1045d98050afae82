"""What is done to a trained network: fold, equalize, correct biases, measure which layer suffers most."""
