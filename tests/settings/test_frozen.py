"""Which variables a run keeps."""

import pytest

from include.errors import InputError
from include.settings.frozen import frozen_variables

FILES = {
    "polybroker.yaml": b"options: { top_n: ${TOP:5} } # as ${IN_A_COMMENT} says\n",
    "brokers/a.yaml": b'host: ${A_HOST}\nurl: ${A_URL:http://here}\n${A_WORD:key}: ["${UNSET_ONE:x}"]\n',
}


def test_those_that_the_files_name_are_kept_and_one_that_is_not_set_stays_so() -> None:
    variables = {"TOP": "7", "A_HOST": "there", "A_URL": "http://there", "UNRELATED": "x"}
    expected = {"A_HOST": "there", "A_URL": "http://there", "A_WORD": "", "TOP": "7", "UNSET_ONE": ""}
    assert frozen_variables(FILES, variables, ()) == expected
    assert frozen_variables({}, variables, ()) == {}


SECRETS = (
    "A_KEY APIKEY MY_TOKEN_2 db_password A_SECRET PASS A_PIN DB_PWD dbPwd A_KEYS TOKENS A_AUTH ACCESSTOKEN ALPACASECRET "
    "PASSWORDS accessKey A_PRIVATEKEY BEARER A_JWT A_OTP A_DSN A_COOKIE"
)


@pytest.mark.parametrize("name", SECRETS.split())
def test_a_name_that_sounds_like_a_secret_is_not_kept(name: str) -> None:
    file = {"brokers/a.yaml": f"x: ${{{name}:1}}".encode()}
    assert frozen_variables(file, {name: "CANARY"}, ()) == {}


@pytest.mark.parametrize("name", ["KEYBOARD", "COMPASS", "PINE_TREES", "MONKEY_BARS", "TURKEY", "AUTHOR"])
def test_a_name_that_only_has_such_letters_is_kept(name: str) -> None:
    assert frozen_variables({"a.yaml": f"x: ${{{name}:1}}".encode()}, {name: "4"}, ()) == {name: "4"}


def test_credentials_and_logins_in_a_url_are_not_kept() -> None:
    variables = {"A_HOST": "there", "A_URL": "https://me:CANARY@there/x"}
    assert frozen_variables(FILES, variables, {"A_HOST"}) == {"A_WORD": "", "TOP": "", "UNSET_ONE": ""}
    second = {"brokers/b.yaml": b"host: ${A_HOST__SECOND:x}\nother: ${A_HOSTILE:y}\n"}
    assert frozen_variables(second, {}, {"A_HOST"}) == {"A_HOSTILE": ""}


@pytest.mark.parametrize(
    "value",
    [
        "https://me:CAN/ARY@there/x",
        "me:CANARY@there:5432/x",
        "postgresql://there/x?user=me&password=CANARY",
        "https://there/x?apikey=CANARY",
        "https://there/x?a=1&access_token=CANARY",
        "Endpoint=there;SharedAccessKey=CANARY",
        "Bearer CANARY",
        "-----BEGIN PRIVATE KEY----- CANARY",
    ],
)
def test_a_value_with_a_secret_in_it_is_not_kept(value: str) -> None:
    assert frozen_variables({"a.yaml": b"x: ${THERE:1}"}, {"THERE": value}, ()) == {}


@pytest.mark.parametrize("value", ["https://there:80/x?top=5&keyword=a", "DU12345", "a:b", "me@there.example", "10:30"])
def test_a_value_without_one_is_kept(value: str) -> None:
    assert frozen_variables({"a.yaml": b"x: ${THERE:1}"}, {"THERE": value}, ()) == {"THERE": value}


def test_a_variable_without_a_value_is_told() -> None:
    with pytest.raises(InputError, match="expected the variable A_HOST to be set"):
        frozen_variables(FILES, {}, ())
