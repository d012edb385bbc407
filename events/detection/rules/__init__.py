"""Which rules there are, whether they are on, and what people see and change of them."""
