"""The moments of an epoch are positive numbers in the order in which they come."""

from __future__ import annotations

from protocol.claim import StopReason
from verifier.challenge.lockstep.moments import NEVER, Moment, Phase

MOMENTS = [Moment(step, phase) for step in range(3) for phase in Phase]


def test_numbers_ascend_and_say_the_moment() -> None:
    numbers = [moment.number for moment in MOMENTS]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > NEVER
    assert [Moment.of(number) for number in numbers] == MOMENTS


def test_each_has_its_reason_and_its_text() -> None:
    assert Moment(0, Phase.LOSS).reason is StopReason.NON_FINITE_LOSS
    assert Moment(0, Phase.LOCATION).reason is Moment(0, Phase.UPDATE).reason is StopReason.NON_FINITE_UPDATE
    assert Moment(8, Phase.LOSS).explanation(3, 8) == "the validation after epoch 3 gave an infinity or a NaN"
    assert Moment(7, Phase.LOSS).explanation(3, 8) == "step 8 of epoch 3 gave an infinity or a NaN"
    assert Moment(0, Phase.LOCATION).explanation(1, 8).startswith("the location in step 1 of epoch 1: ")
