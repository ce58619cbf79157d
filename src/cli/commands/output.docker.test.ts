// What commands print, held against docker's own client: both get the same answers from the same engine, and must print
// the same to the byte, and end with the same exit code.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cannedAnswers } from "../testing/canned.ts";
import { docker, dockerVersion } from "../testing/docker-client.ts";
import { FakeEngine, fail } from "../testing/fake-engine.ts";
import { hoy } from "../testing/memory-io.ts";

const engine = new FakeEngine();
let env: Record<string, string> = {};

beforeAll(async () => {
  await engine.start();
  for (const [line, answer] of cannedAnswers) engine.answers.set(line, answer);
  engine.answers.set("GET /containers/gone/json", (_: unknown, response: never) =>
    fail(response, 404, "No such container: gone"),
  );

  // Each its own configuration, as some commands change it; the names are of one length, as tables have it.
  for (const name of ["config-1", "config-2"]) mkdirSync(join(engine.directory, name));
  env = { HOME: engine.directory, DOCKER_HOST: engine.host, TZ: "UTC" };
});

afterAll(() => engine[Symbol.asyncDispose]());

/** One command line a row; words as a shell would split them, with ' ' quotes. */
const LINES = `
ps
ps -a
ps -q
ps -aq --no-trunc
ps --no-trunc
ps -s
ps --format json
ps --format '{{json .}}'
image inspect busybox -f '{{.RootFS}} {{.Container}}'
network inspect bridge -f '{{.IPAM}} {{range .IPAM.Config}}{{.IPRange}}{{.AuxAddress}}{{end}} {{.Containers}}'
version --format '{{.Server.BuildTime}} {{range .Server.Components}}{{.Name}}={{index .Details "absent"}} {{end}}'
inspect web -f '{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}} {{.HostConfig.CapAdd}} {{len .HostConfig.CapAdd}}'
inspect web -f '{{.HostConfig.PidsLimit}} {{.HostConfig.Init}} {{.State.Health}} {{.Config.Healthcheck}} {{.SizeRw}}'
inspect web -f '{{.Mounts}} {{range .Mounts}}{{.Type}}:{{.Name}}:{{.Driver}} {{end}}'
inspect web -f '{{json .Mounts}} {{json .HostConfig.CapAdd}} {{json .Config.OnBuild}}'
inspect web -f '{{.NetworkSettings.Ports}} {{.HostConfig.PortBindings}} {{.Config.ExposedPorts}} {{.Config.Volumes}}'
inspect web -f '{{.Config.Labels.absent}} {{index .Config.Labels "absent"}} {{.NetworkSettings.Networks.absent.IPAddress}}'
ps --format '{{.Names}}: {{.Status}}'
ps --format 'table {{.Names}}\t{{.Ports}}'
ps --format 'table {{.ID}}\\t{{.Label "com.example.role"}}\\t{{.Mounts}}\\t{{.Networks}}'
ps --format raw
ps --format raw -q
ps --format raw -s
ps --format '{{.Nope}}'
ps --format '{{.Names'
ps --format '{{upper .Names}} {{pad .State 1 1}}|{{truncate .Image 3}} {{.LocalVolumes}} {{.CreatedAt}} {{.Size}} {{.Labels}}'
ps --format '{{range $i, $p := split .Ports ","}}{{$i}}={{$p}} {{end}}'
ps -l
ps -n 3
ps -f status=running -f name=a -f name=b
container ls --filter x
images
images -a
images -q
images --no-trunc
images --digests
images --format json
images --format '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.Digest}}'
images --format 'table {{.ID}}\t{{.Containers}}\t{{.SharedSize}}\t{{.UniqueSize}}'
images --format raw
images busybox
images --filter dangling=true
image ls
inspect web
inspect web gone
inspect gone
inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.RestartCount}}' web
inspect -f '{{json .Config.Env}}' web
inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' web
inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web
inspect -f '{{range $p, $c := .NetworkSettings.Ports}}{{$p}}->{{(index $c 0).HostPort}} {{end}}' web
inspect -f '{{index .Config.Labels "com.example.role"}}' web
inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' web
inspect -f '{{len .Mounts}} {{.Name}} {{.Id}}' web
inspect -f '{{.ID}} {{.Name}}' web
inspect -f '{{.Config.Cmd}} {{.Path}} {{.Args}}' web
inspect -f '{{join .Config.Cmd " "}}' web
inspect -f '{{.Nope}}' web
inspect -f '{{.State' web
inspect --format json web
inspect --format '{{json .HostConfig.PortBindings}}' web
inspect --format '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}' web
inspect -f '{{.LogPath}} {{.HostConfig.LogConfig.Type}} {{println .Driver}}' web
inspect -f '{{with .State}}{{.ExitCode}} {{.OOMKilled}}{{end}}' web
container inspect web
container inspect gone
inspect --type image busybox
image inspect busybox
image inspect -f '{{.Id}} {{.Os}}/{{.Architecture}} {{.Size}} {{.RepoTags}}' busybox
history busybox
history --no-trunc busybox
history -q busybox
history -H=false busybox
history --format json busybox
history --format '{{.ID}}: {{.Size}} {{.Comment}}' busybox
network ls
network ls -q
network ls --no-trunc
network ls --format json
network ls --format '{{.Name}} {{.Driver}} {{.IPv6}} {{.Internal}} {{.Labels}} {{.CreatedAt}}'
network inspect bridge
network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}' bridge
volume ls
volume ls -q
volume ls --format json
volume ls --format '{{.Name}} {{.Mountpoint}} {{.Labels}} {{.Scope}} {{.Size}}'
volume inspect data
system df
system df -v
system df --format json
system df --format '{{.Type}}: {{.Size}} {{.Reclaimable}}'
info --format '{{.ServerVersion}} {{.Driver}} {{.NCPU}} {{.OSType}}'
info --format '{{.Nope}}'
version --format '{{.Server.Version}} {{.Server.APIVersion}}'
version --format '{{.Server'
port web
port web 80
port web 80/tcp
port web 81
port web x
top web
top web aux
top web -ef
diff web
logs web
logs --tail 2 -t web
logs gone
events --since 1 --until 2
events --since 1 --until 2 --format json
events --since 1 --until 2 --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.TimeNano}}'
wait web
rm web
rm -f -v web
rm gone
rm -f gone
rm -f gone web
rm web gone
start web
start web gone
stop web
stop -t 3 -s INT web gone
restart web
kill web
kill -s HUP web
kill gone
pause web
unpause web
rename web other
rename gone other
rename web ' '
update -m 64m web
update web
update --restart always --cpus 1 web gone
tag busybox other:1
tag busybox other@sha256:0123
rmi busybox
rmi -f gone-image
rmi gone-image
rmi busybox gone-image
image rm --force busybox
commit web
commit -m msg -a me -c 'CMD x' web repo:tag
commit web BAD
load
save busybox
save -o /nonexistent-dir/x busybox
export web
export -o /nonexistent-dir/x web
network create mynet
network create --subnet 10.1.0.0/16 --gateway 10.1.0.1 --ip-range 10.1.5.0/24 --aux-address a=10.1.0.9 -o a=b --label x=y mynet
network create --gateway 10.1.0.1 mynet
network create --subnet 10.1.0.0/16 --gateway 10.2.0.1 mynet
network create --subnet 10.1.0.0/16 --subnet 10.1.5.0/24 mynet
network create --ipv6 --internal --attachable -d bridge mynet
network rm mynet
network rm mynet gone
network rm -f gone
network connect --alias a --ip 10.1.0.4 mynet web
network disconnect -f mynet web
network prune -f
volume create
volume create data
volume create -d local -o type=tmpfs --label a=b data
volume rm data
volume rm data gone
volume rm -f data
volume prune -f
volume prune -f -a
container prune -f
container prune
image prune -f
image prune -f -a
system prune -f
system prune -f -a --volumes
pull busybox
pull busybox:1.36
pull -q busybox
pull -a busybox
pull -a busybox:1
pull UPPER
push busybox
push -q busybox:1
search busy
search --limit 3 --no-trunc busy
search --format '{{.Name}}: {{.StarCount}}' busy
login -u me -p secret
logout
logout registry.example
context ls
context show
context inspect
context inspect nope
context use nope
context create -bad
context create new --docker host=unix:///tmp/x.sock --description words
context ls
context inspect new
context update new --description others
context ls --format json
context use new
context show
context rm new
context rm -f new
context rm default
exec -d web true
exec gone true
exec -e =x web true
attach gone
run -d busybox
run -d --cidfile /nonexistent-dir/cid busybox
run --rm -d -a stdout busybox
run missing-image
run -d missing-image
run --pull never missing-image
run -it busybox
create missing-image
nonsense
container nonsense
ps extra
rm
run
exec web
cp a
tag a
--nonsense
-Z ps
ps -Z
ps --last x
ps --all=maybe
logs
--log-level x ps
-c nope ps
help nonsense
`
  .split("\n")
  .slice(1, -1);

function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

describe.skipIf(dockerVersion === undefined)(`against docker ${dockerVersion ?? "(no docker client here)"}`, () => {
  test.each(LINES)("%s", async (line) => {
    const argv = words(line);
    engine.take();
    const theirs = await docker(argv, withConfig("config-1"), { cwd: engine.directory });
    const theirChanges = changes();
    const ours = await hoy(argv, { env: withConfig("config-2"), cwd: engine.directory, program: "docker" });
    const ourChanges = changes();
    const same = (text: string) => text.replaceAll(/config-[12]/g, "config");
    expect({ ...ours, stdout: same(ours.stdout), stderr: same(ours.stderr) }).toEqual({
      ...theirs,
      stdout: same(theirs.stdout),
      stderr: same(theirs.stderr),
    });
    // A command that fails may find out by another request.
    if (theirs.code === 0) expect(ourChanges).toEqual(theirChanges);
  });
});

const withConfig = (name: string) => ({ ...env, DOCKER_CONFIG: join(engine.directory, name) });

/** Requests that change something; sorted, as several at once come in any order. */
function changes(): string[] {
  return engine
    .take()
    .filter(({ method, path }) => ["POST", "PUT", "DELETE"].includes(method) && !path.endsWith("/wait"))
    .map(({ method, path }) => `${method} ${path}`)
    .sort();
}
