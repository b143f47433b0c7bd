// An OpenID provider (oidc-provider) that gives client credentials to one client with a key: `node oidc_server.mjs JWKS
// SCOPE ALGORITHM`. Prints "port N" as soon as it listens.
import { createRequire } from "node:module";
import http from "node:http";

const require = createRequire(new URL("./peers/package.json", import.meta.url));
const { default: Provider } = await import(require.resolve("oidc-provider"));
const [jwks, scope, algorithm] = process.argv.slice(2);

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    scopes: [scope],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    enabledJWA: { clientAuthSigningAlgValues: ["RS256", "RS384", "ES256", "ES384"] },
    clients: [{
      client_id: "lab",
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: algorithm,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
      scope,
      jwks: JSON.parse(jwks),
    }, {
      // Both have to be form-encoded before they are put into Basic (RFC 6749 section 2.3.1).
      client_id: "lab secret",
      client_secret: "PLANTED: %+/&",
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
      scope,
    }],
  });
  server.on("request", provider.callback());
  console.log(`port ${server.address().port}`);
});
process.on("SIGTERM", () => process.exit(0));
