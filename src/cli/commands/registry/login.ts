// `login`: checks a name and password with a registry through the engine, and keeps them.

import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { type Credentials, getCredentials, HUB_KEY, registryKey, storeCredentials } from "../../config/credentials.ts";
import { flag } from "../../flag.ts";
import { textOf } from "../../stream/bytes.ts";
import { readLine } from "../../stream/prompt.ts";

export const login = command({
  usage: "[OPTIONS] [SERVER]",
  args: args.atMost(1),
  details: "Defaults to Docker Hub if no server is specified.",
  flags: {
    password: flag.string("Password or Personal Access Token (PAT)", { short: "p" }),
    "password-stdin": flag.bool("Take the Password or Personal Access Token (PAT) from stdin"),
    username: flag.string("Username", { short: "u" }),
  },
  async run(context, { flags, args: [server = ""], changed }) {
    const { io, config, engine } = context;
    const key = server === "" ? HUB_KEY : registryKey(server.replace(/^https?:\/\//, "").replace(/\/.*$/, ""));
    if (flags["password-stdin"] && flags.password !== "")
      throw new ExitError(1, "conflicting options: cannot specify both --password and --password-stdin");
    if (flags["password-stdin"] && flags.username === "")
      throw new ExitError(1, "the --password-stdin option requires --username to be set");
    if (changed.has("username") && flags.username === "") throw new ExitError(1, "username is empty");
    if (changed.has("password") && flags.password === "") throw new ExitError(1, "password is empty");
    if (flags.password !== "")
      io.stderr.line("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    const credentials = await ask(context, key, flags);
    const answer = await engine.json<{ Status: string; IdentityToken?: string }>("POST", "/auth", {
      json: { ...credentials, serveraddress: key },
    });
    const token = answer.IdentityToken ?? "";
    const { username } = credentials;
    const kept: Credentials =
      token === "" ? credentials : { ...(username === undefined ? {} : { username }), identitytoken: token };
    const plain = config.data.credsStore === undefined && config.data.credHelpers?.[key] === undefined;
    await storeCredentials(config, key, kept);
    if (plain) {
      io.stderr.line(`\nWARNING! Your credentials are stored unencrypted in '${config.path}'.`);
      io.stderr.line("Configure a credential helper to remove this warning. See");
      io.stderr.line("https://docs.docker.com/go/credential-store/\n");
    }
    if (answer.Status !== "") io.stdout.line(answer.Status);
  },
});

interface LoginFlags {
  readonly password: string;
  readonly "password-stdin": boolean;
  readonly username: string;
}

async function ask({ io, config }: Context, key: string, flags: LoginFlags): Promise<Credentials> {
  if (flags["password-stdin"]) {
    const password = (await textOf(io.stdin.read())).replace(/\r?\n$/, "");
    return { username: flags.username, password };
  }
  if (flags.username !== "" && flags.password !== "") return { username: flags.username, password: flags.password };
  const known = flags.username === "" && flags.password === "" ? await getCredentials(config, key) : undefined;
  if (known?.username !== undefined && known.password !== undefined) {
    io.stdout.line(`Authenticating with existing credentials... [Username: ${known.username}]`);
    return known;
  }
  if (!io.stdin.isTTY) throw new ExitError(1, "Error: Cannot perform an interactive login from a non TTY device");
  const username = flags.username || (await readLine(io, "Username: ", { hidden: false })).trim();
  if (username === "") throw new ExitError(1, "Error: Non-null Username Required");
  const password = flags.password || (await readLine(io, "Password: ", { hidden: true })).trim();
  if (password === "") throw new ExitError(1, "Error: Password Required");
  return { username, password };
}
