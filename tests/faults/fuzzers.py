def fuzz(o): pass
