"""What a teacher adds to a student's loss: one term a file."""
