def write_document(events):
    raise NotImplementedError
