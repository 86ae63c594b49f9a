// An OpenID provider of foreign make: node oidc-provider with one client. Usage: node openid_provider.mjs '<settings>'
//
// Settings: port, redirect_uris, client_id, client_secret, jwks (private keys; the first signs). Whoever signs in is who
// they say, by any password; the address of a login that begins with `unverified` is not verified.
import Provider from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const issuer = `http://localhost:${settings.port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: settings.client_id,
      client_secret: settings.client_secret,
      redirect_uris: settings.redirect_uris,
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  jwks: settings.jwks,
  cookies: { keys: ["of no use to anybody"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["given_name", "family_name"] },
  conformIdTokenClaims: settings.claims_in_user_info,
  pkce: { required: () => true, methods: ["S256"] },
  features: { devInteractions: { enabled: true } },
  async findAccount(_, login) {
    return {
      accountId: login,
      claims: () => ({
        sub: login,
        email: login.replace("unverified.", ""),
        email_verified: !login.startsWith("unverified."),
        given_name: "Ada",
        family_name: "Lovelace",
      }),
    };
  },
});
provider.listen(settings.port, "127.0.0.1", () => console.log("ready"));
