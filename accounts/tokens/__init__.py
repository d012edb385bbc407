"""API tokens: what programs log in with, in the name of a person.

`secret` makes and reads their text, `authenticate` says who a request comes from, `limits` how often it may come,
`sight` who may see and revoke which; `forms` and `views` are their pages.
"""
