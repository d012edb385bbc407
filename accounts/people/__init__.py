"""People: who may change whom, and the forms they are changed with."""
