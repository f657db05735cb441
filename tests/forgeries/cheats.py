"""The cheats of fixtures/forgeries/catalogue.json: each makes, of a contest, the best claim that it can."""

from __future__ import annotations

from tests.forgeries import choice_cheats, claim_cheats, training_cheats, weight_cheats

CHEATS = {**weight_cheats.CHEATS, **training_cheats.CHEATS, **claim_cheats.CHEATS, **choice_cheats.CHEATS}
