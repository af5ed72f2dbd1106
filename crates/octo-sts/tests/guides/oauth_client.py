"""Stock OAuth 2.0 client libraries exchange a job's OIDC token, use what they got, and end it."""

import os

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session as RequestsSession

STS = os.environ["STS_URL"]
SCOPE = os.environ["GITHUB_REPOSITORY"]
REPOSITORY = f"{os.environ['GITHUB_API']}/repos/{SCOPE}"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
# Both libraries refuse plain http, which the demo on this machine speaks.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


def on_this_machine(endpoint):
    """The metadata names the service as the world reaches it; the demo is at an address of its own."""
    assert endpoint.startswith(METADATA["issuer"] + "/"), endpoint
    return STS + endpoint.removeprefix(METADATA["issuer"])


def subject_token():
    bearer = os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    url = f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience=https://github.com/{SCOPE}"
    return requests.get(url, headers={"Authorization": f"Bearer {bearer}"}).json()["value"]


def asked(identity):
    kind = "urn:ietf:params:oauth:token-type:id_token"
    return {"subject_token": subject_token(), "subject_token_type": kind, "identity": identity}


def authlib_client(method):
    session = OAuth2Session(client_id="ci", client_secret="-", scope=SCOPE, token_endpoint_auth_method=method)
    token = session.fetch_token(TOKEN, grant_type=GRANT, **asked("example"))
    assert token["token_type"] == "Bearer" and token["scope"] == SCOPE, sorted(token)
    assert session.get(REPOSITORY).status_code == 200
    assert session.revoke_token(REVOKE, token=token["access_token"]).status_code == 200
    assert session.get(REPOSITORY).status_code == 401


def authlib_client_refused():
    try:
        OAuth2Session(client_id="ci", scope=SCOPE).fetch_token(TOKEN, grant_type=GRANT, **asked("nobody"))
    except OAuthError as error:
        assert error.error == "invalid_target", error.error
    else:
        raise AssertionError("a policy that is not there admits nobody")


class TokenExchange(BackendApplicationClient):
    grant_type = GRANT


def requests_oauthlib_client():
    session = RequestsSession(client=TokenExchange(client_id="ci", scope=[SCOPE]))
    session.fetch_token(TOKEN, include_client_id=True, **asked("example"))
    assert session.get(REPOSITORY).status_code == 200


METADATA = requests.get(f"{STS}/.well-known/oauth-authorization-server").json()
TOKEN, REVOKE = on_this_machine(METADATA["token_endpoint"]), on_this_machine(METADATA["revocation_endpoint"])
for method in ["none", "client_secret_basic", "client_secret_post"]:
    authlib_client(method)
authlib_client_refused()
requests_oauthlib_client()
