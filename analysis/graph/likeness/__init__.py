"""How like one network is to another: distances, matched units, and what chance gives."""
