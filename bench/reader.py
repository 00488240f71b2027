"""The native reader on real photos: both engines beside fast-alpr, each photo read by what the others taught."""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.looks import Choice, fitted, look
from bench.offline import OfflineChoice
from bench.photos import FOLDS, SLIPS, Photo, Reading, judged, photos
from native_reader import ppocr
from native_reader.engine import Pixels, SeenPlate
from native_reader.fast_plate import PLAN, FastPlateEngine, Plan
from native_reader.pictures import load_picture
from native_reader.session import PROVIDERS, options
from native_reader.weights import CCT_V2, CCT_V2_CONFIG, YOLO_T_416, locate

Reader = Callable[[Pixels], Sequence[SeenPlate]]
_BINS: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0001)
OURS: Final = "fast-plate-ocr"
OFFLINE: Final = "PP-OCRv6 (offline)"
PEER: Final = "fast-alpr"


def peer(models: Path) -> Reader:
    """fast-alpr as its README has it, with the same weights, on one thread; it takes BGR."""
    from fast_alpr import ALPR, BaseDetector
    from open_image_models.detection.core.yolo_v9 import YoloV9Detector

    class Local(BaseDetector):  # type: ignore[misc]
        """Its own detector, of a file: it would look the name up on the network."""

        def __init__(self, model: Path) -> None:
            self._yolo = YoloV9Detector(
                model, ("plate",), conf_thresh=0.4, providers=list(PROVIDERS), sess_options=options(1)
            )

        def predict(self, frame: Pixels) -> Any:
            return self._yolo.predict(frame)

    alpr = ALPR(
        detector=Local(_file(YOLO_T_416, models)), ocr_model=None, ocr_model_path=_file(CCT_V2, models),
        ocr_config_path=_file(CCT_V2_CONFIG, models), ocr_providers=list(PROVIDERS), ocr_sess_options=options(1),
    )  # fmt: skip

    def read(picture: Pixels) -> list[SeenPlate]:
        found = []
        for plate in alpr.predict(picture):
            box = plate.detection.bounding_box
            text = plate.ocr.text if plate.ocr else ""
            sure = float(np.mean(plate.ocr.confidence)) if plate.ocr else 0.0
            found.append(SeenPlate(text, sure, (box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1)))
        return sorted(found, key=lambda plate: -plate.confidence)

    return read


def _file(wanted: Any, models: Path) -> Path:
    path = locate(wanted, models)
    if path is None:
        raise SystemExit(f"{models} lacks {wanted.name}: give the folder with the weights as --models")
    return path


def timed(reader: Reader, photo: Photo, picture: Pixels, runs: int) -> Reading:
    """Read a photo, and tell the least CPU time of several runs: whoever works beside us only makes one longer."""
    least = math.inf
    for _ in range(runs):
        started = time.process_time()
        seen = reader(picture)
        least = min(least, time.process_time() - started)
    return judged(photo, seen, least * 1000)


@dataclass(frozen=True, slots=True)
class Measured:
    """Every engine's readings, ours of each fold by the plan that the other folds chose, and those plans by fold.

    Last of the plans comes the one that all photos choose.
    """

    readings: dict[str, list[Reading]]
    plans: list[Plan]
    offline_plans: list[ppocr.LinePlan]


def measure(models: Path, all_photos: Sequence[Photo], runs: int) -> Measured:
    """Choose, read and take the time."""
    ours = FastPlateEngine(models)
    choice = Choice(list(look(ours, all_photos)))
    plans = [choice.without(fold) for fold in range(FOLDS)]
    engines = [ours.by(plan) for plan in plans]
    other = peer(models)
    readings: dict[str, list[Reading]] = {OURS: [], OFFLINE: [], PEER: []}
    for photo in all_photos:
        picture = load_picture(photo.path)
        bgr = np.ascontiguousarray(picture[..., ::-1])
        readings[OURS].append(timed(engines[photo.fold].read, photo, picture, runs))
        readings[PEER].append(timed(lambda _, bgr=bgr: other(bgr), photo, picture, runs))
    offline = OfflineChoice(all_photos)
    readings[OFFLINE] = offline.readings()
    folds = [*range(FOLDS), None]
    return Measured(readings, [*plans, choice.without(None)], [offline.without(fold) for fold in folds])


def by_fold(readings: Sequence[Reading], judge: Callable[[Reading], bool]) -> str:
    """The mean of the folds' shares in per cent, and the half-width of its 95 % interval (t, four degrees)."""
    folds = [[judge(one) for one in readings if one.photo.fold == fold] for fold in range(FOLDS)]
    shares = [100 * float(np.mean(fold)) for fold in folds if fold]
    return f"{np.mean(shares):5.1f} ± {2.776 * np.std(shares, ddof=1) / math.sqrt(len(shares)):.1f}"


def table(readings: dict[str, list[Reading]]) -> None:
    """Print what each engine made of each part, and its CPU time beside the peer's."""
    print(f"{'':20}{'':5}{'photos':>7}{'exact %':>14}{'fold %':>14}{'extra':>8}{'CPU ms':>9}{'of the peer':>13}")
    for part in ("us", "eu"):
        base = np.mean([one.milliseconds for one in readings[PEER] if one.photo.part == part])
        for name, made in readings.items():
            own = [one for one in made if one.photo.part == part]
            cost = np.mean([one.milliseconds for one in own])
            print(
                f"{name:20}{part:5}{len(own):7}{by_fold(own, lambda one: one.exact):>14}"
                f"{by_fold(own, lambda one: one.right):>14}{np.mean([one.extra for one in own]):8.3f}{cost:9.1f}"
                f"{cost / base:12.2f}x"
            )


def held_out(readings: Sequence[Reading]) -> list[tuple[float, bool]]:
    """Confidence by the numbers that the other folds give, and whether the text was right."""
    told = []
    read = [one for one in readings if one.plate is not None]
    for fold in range(FOLDS):
        facts = [_fact(one) for one in read if one.photo.fold != fold]
        numbers = fitted(facts)
        for one in read:
            if one.photo.fold == fold:
                probability, agreed, right, _ = _fact(one)
                told.append((numbers.earned(probability, agreed), right))
    return told


def _fact(one: Reading) -> tuple[float, bool, bool, float]:
    assert one.plate is not None
    return one.plate.probability, one.plate.agreed, one.right, 1.0


def reliability(title: str, told: Sequence[tuple[float, bool]]) -> None:
    """Print, for readings of like confidence, what was told and what was right."""
    print(f"\n{title}\n{'told':>14}{'readings':>10}{'mean told':>11}{'right':>8}")
    for low, high in pairwise(_BINS):
        inside = [(sure, right) for sure, right in told if low <= sure < high]
        if inside:
            mean, right = np.mean([sure for sure, _ in inside]), np.mean([right for _, right in inside])
            print(f"{low:6.2f} – {min(high, 1):.2f}{len(inside):10}{mean:11.3f}{right:8.3f}")
    score = np.mean([(sure - right) ** 2 for sure, right in told])
    print(
        f"mean told {np.mean([s for s, _ in told]):.3f}, right {np.mean([r for _, r in told]):.3f}, Brier {score:.4f}"
    )


def alerts(readings: Sequence[Reading]) -> None:
    """Print how many plates are alert-grade, and each of them that was read wrong."""
    kept = [one for one in readings if one.plate is not None and one.plate.alert_grade]
    wrong = [one for one in kept if not one.right]
    share = f"{100 * len(kept) / len(readings):.1f} %"
    print(f"\nalert-grade: {len(kept)} of {len(readings)} plates, {share}; wrong: {len(wrong)}")
    for one in wrong:
        print(f"  {one.photo.path.name}: misread")


def slips(readings: dict[str, list[Reading]]) -> None:
    """Print which truths were corrected, and what that makes of each engine's share."""
    corrected = [one.photo for one in readings[PEER] if one.photo.text != one.photo.said]
    if not corrected:
        return
    print("\ntruths corrected, because the photo plainly shows another character")
    for photo in corrected:
        slip = SLIPS[photo.path.name]
        print(
            f"  {photo.part}/{photo.path.name}: character {slip.place + 1} is {slip.shows}, not {slip.says}: {slip.why}"
        )
    for name, made in readings.items():
        own = [one for one in made if one.photo.part == "us"]
        print(f"  {name}, us, fold % with the truths as they were: {by_fold(own, lambda one: one.as_said)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the native reader on photos, by cross-validation.")
    parser.add_argument("--photos", type=Path, default=Path("../shared/plates"), help="Folder with us/ and eu/.")
    parser.add_argument("--models", type=Path, default=Path("../shared/models"), help="Folder with the weights.")
    parser.add_argument("--runs", type=int, default=3, help="Times each photo is read; the least CPU time counts.")
    parser.add_argument("--every", type=int, default=1, help="Take each so-manieth photo only, for a quick look.")
    given = parser.parse_args()
    if not (given.photos / "us/truth.tsv").is_file():
        raise SystemExit(f"{given.photos}: no us/truth.tsv there; give the folder of photos as --photos")
    made = measure(given.models, photos(given.photos)[:: given.every], given.runs)
    readings = made.readings
    print(f"crops that {FOLDS - 1} of {FOLDS} folds chose, for the fold left out; then by all; then what is shipped")
    names = [*map(str, range(FOLDS)), "all", "here"]
    for name, plan in zip(names, [*made.plans, PLAN], strict=True):
        print(f"  {name:5} close {plan.close}  wide {plan.wide}  {plan.worth}")
    print("the same of PP-OCRv6: what a pattern that is not issued regularly is worth of one that is")
    for name, offline in zip(names, [*made.offline_plans, ppocr.PLAN], strict=True):
        print(f"  {name:5} rare {offline.rare}  {offline.worth}")
    print()
    table(readings)
    slips(readings)
    reliability("fast-plate-ocr: confidence as told, by numbers of the other folds", _told(readings[OURS]))
    alerts(readings[OURS])
    reliability("PP-OCRv6: confidence fitted to the other folds", held_out(readings[OFFLINE]))
    reliability("PP-OCRv6: confidence as shipped", _told(readings[OFFLINE]))
    reliability("fast-alpr: mean of its characters' confidences", _told(readings[PEER]))


def _told(readings: Sequence[Reading]) -> list[tuple[float, bool]]:
    return [(one.plate.confidence, one.right) for one in readings if one.plate is not None]


if __name__ == "__main__":
    main()
