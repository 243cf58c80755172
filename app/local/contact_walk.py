"""`sepakat phone PERSON number +62…`: change one's number, with the code that goes there."""

from __future__ import annotations

from app.identity.contacts import read_phone
from app.local.demo_people import DemoPerson
from app.local.phone import Phone
from app.local.story import Stage, wall_time


async def change_number(stage: Stage, phone: Phone, person: DemoPerson, text: str) -> int:
    """0 when the number changed, 1 when the API refused. Shows the code at the new number and the notice at the old one.

    Raises LookupError for what is no number.
    """
    me = (await phone.get("/v1/me")).json()
    try:
        number = read_phone(text)
    except ValueError as error:
        raise LookupError(f"it {error}") from None
    seen = len(await stage.messages.code_texts_to(number))
    told = len(await stage.messages.texts_to(person.phone)) if person.phone else 0
    proven = await phone.prove("change_contact", me["participant_id"])
    answer = await phone.put("/v1/me/contact", {"phone": number} | proven)
    if answer.is_success:
        code = await stage.messages.read_code(number, seen=seen)
        stage.see(f"to {number}: {(await stage.messages.code_texts_to(number))[-1]}")
        answer = await phone.post("/v1/me/contact/verification", {"otp": code})
    if not answer.is_success:
        stage.see(f"{answer.json()['code']}: {answer.json()['detail']}")
        return 1
    stage.see(
        f"the number on file is {answer.json()['value']}; this phone confirms nothing before "
        f"{wall_time(answer.json()['hold_until']):%Y-%m-%d %H.%M} WIB"
    )
    if person.phone and me["phone"] == f"•••{person.phone[-3:]}":
        await stage.messages.wait_for(lambda message: message.get("to") == person.phone, told + 1)
        stage.see(f"to {person.phone}: {(await stage.messages.texts_to(person.phone))[-1]}")
    return 0
