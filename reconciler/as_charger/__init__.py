"""How the relay plays the charger on a CSMS leg: what a back-end orders there is judged as a charger would judge it."""
