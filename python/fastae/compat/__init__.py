"""Other packages' interfaces on top of fastae, for scripts that were written for those packages.

`fastae.compat.h2o` stands in for the autoencoder of H2O-3.
"""
