"""A mobile client in 100 lines: enrol, look, agree to a merge. Needs httpx and cryptography; `make run` elsewhere.

python flow.py [NIK CARD BIRTH_DATE]
"""

import json
import os
import re
import sys
import time
import uuid
from base64 import urlsafe_b64encode

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

API = os.environ.get("SEPAKAT_URL", "http://localhost:8000")
SIMULATOR = os.environ.get("SIMULATOR_URL", "http://localhost:8100")
NIK, KPJ, BORN = sys.argv[1:4] or ["3174014209890000", "99000000021", "1989-09-02"]  # Sari, of the demo people
api = httpx.Client(base_url=API)


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def ask(method: str, path: str, body: object = None) -> dict:
    headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
    answer = api.request(method, path, json=body, headers=headers)
    if answer.is_error:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
    return answer.json()


def read_code() -> str:
    """What a person reads off the SMS; here the simulator is asked for the newest."""
    for _ in range(100):
        if len(codes := find_codes()) > seen:
            return codes[-1]
        time.sleep(0.1)
    raise SystemExit("no SMS came")


def find_codes() -> list[str]:
    lines = [json.loads(line) for line in httpx.get(f"{SIMULATOR}/messages").text.splitlines()]
    return [code for line in lines if line["channel"] == "sms" for code in re.findall(r"\b\d{8}\b", line["text"])]


# 1. A key. On a phone it is made in the keystore and never leaves it.
key = ec.generate_private_key(ec.SECP256R1())
numbers = key.public_key().public_numbers()
jwk = {"kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32)), "y": base64url(numbers.y.to_bytes(32))}


def sign(statement: dict) -> dict:
    """RFC 8785 of these statements is JSON with sorted members and without spaces; the signature is raw r‖s."""
    message = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return {"type": "device_key", "device_id": device_id, "signature": base64url(r.to_bytes(32) + s.to_bytes(32))}


# 2. Enrol: who I am, and the code that came by SMS to the phone on file.
seen = len(find_codes())
device = {"name": "flow.py", "platform": "android", "public_key": jwk}
enrolment = ask("POST", "/v1/enrolments", {"nik": NIK, "kpj": KPJ, "birth_date": BORN, "device": device})
verified = ask("POST", f"/v1/enrolments/{enrolment['enrolment_id']}/verification", {"otp": read_code()})
device_id = verified["device_id"]
api.headers["Authorization"] = f"Bearer {verified['session']['access_token']}"

# 3. Everything I have.
for card in ask("GET", "/v1/cards")["cards"]:
    print(card["kpj"], card["status"], card["balance"])

# 4. A merge: recommended or proposed; looking at its plan changes nothing.
option = next((one for one in ask("GET", "/v1/merges/options")["options"] if one["allowed"]), None)
if option is None:
    raise SystemExit("there is nothing to merge")
merge = ask("POST", "/v1/merges", {"absorb": option["absorb"], "into": option["into"]})
for text in merge["plan"]["texts"]:
    print(f"  [{text['severity']}] {text['text']}")

# 5. Agree to exactly this plan: its digest, every warning, and a nonce go into what is signed.
nonce = ask("POST", "/v1/challenges", {"purpose": "merge", "subject_id": merge["id"]})["nonce"]
agreed = {"plan_digest": merge["plan_digest"], "acknowledged": sorted(merge["plan"]["to_acknowledge"]), "nonce": nonce}
statement = {"version": 1, "purpose": "merge", "device_id": device_id, "merge_id": merge["id"]} | agreed
confirmed = ask("POST", f"/v1/merges/{merge['id']}/confirmation", agreed | {"proof": sign(statement)})
print(confirmed["state"], "executes at", confirmed["executes_at"])

# 6. Until then it can be cancelled.
print(ask("POST", f"/v1/merges/{merge['id']}/cancel", {})["state"])
