"""What has to change at Verkada, so that it holds a hot list of ours: plates to create, to describe anew, to drop."""

from collections.abc import Mapping

from connectors.contract import Entry
from connectors.vendors.verkada.interest import HeldPlate, described


class Changes:
    """The difference between what Verkada holds and a hot list; both by the form of their plates."""

    def __init__(self, held: Mapping[str, HeldPlate], wanted: Mapping[str, Entry], list_name: str) -> None:
        self._held = held
        self._wanted = wanted
        self._name = list_name
        marked = {form for form, plate in held.items() if list_name in plate.lists}
        unmarked = (wanted.keys() & held.keys()) - marked
        self.by_hand = {form for form in unmarked if not held[form].lists}
        """Wanted plates that somebody entered: they are nobody's list, so they stay as they are."""
        self.joining = unmarked - self.by_hand
        self.leaving = marked - wanted.keys()
        self.staying = marked & wanted.keys()
        self.fresh = {form: described(entry, list_name) for form, entry in wanted.items() if form not in held}

    @property
    def added(self) -> int:
        """How many plates get this list's mark."""
        return len(self.fresh) + len(self.joining)

    def dropped(self) -> list[str]:
        """The plates that leave and are on no other list, as Verkada writes them."""
        return [plate.plate for form, plate in self._held.items() if form in self.leaving and not self._others(plate)]

    def descriptions(self) -> dict[str, str]:
        """The new description of each plate whose own is another now, in the order in which Verkada holds them."""
        changed = ((plate, self._description(form, plate)) for form, plate in self._held.items())
        return {plate.plate: text for plate, text in changed if text is not None}

    def _description(self, form: str, plate: HeldPlate) -> str | None:
        """How a plate must be described from now on; None where nothing has to be sent."""
        others = self._others(plate)
        if form in self.leaving:
            return plate.described(others) if others else None
        if form in self.joining:
            return plate.described([*plate.lists, self._name])
        if form in self.staying and not others:
            text = described(self._wanted[form], self._name)
            return text if text != plate.described([self._name]) else None
        return None

    def _others(self, plate: HeldPlate) -> list[str]:
        return [name for name in plate.lists if name != self._name]
