-- In which key store the key of a CA lies is shown to who may see the CA: the reference names it, and opens nothing.
GRANT SELECT (key_ref) ON ca TO siegel_api;
