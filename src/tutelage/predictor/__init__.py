"""A trained model as people use it: preprocessing, model and labels as one."""
