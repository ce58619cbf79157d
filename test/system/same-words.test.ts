// Mistakes, refusals and odd wishes, given to docker's client and to hoy on one engine: the same words on both outputs and
// the same exit code. Each line leaves everything as it was, so that the second client finds what the first one found.

import { beforeAll, describe, expect } from "bun:test";
import { ok } from "../harness/clients.ts";
import type { Result } from "../harness/command.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";
import { have, testWith } from "../harness/needs.ts";

const hoy = await testDaemon();

// Only where the lines are run: without docker's client nothing is compared.
if (have.docker) beforeAll(prepare, 60_000);

/** A command line a row; words are split at spaces, but for those between ' '. */
const LINES: Readonly<Record<string, string>> = {
  "run: names, commands, images": `
    run
    run --rm
    run --name up bb true
    run --name '' --rm bb true
    run --name 'a b' bb true
    run --rm BAD:Ref true
    run --rm 'bb:' true
    run --rm bb@sha256:1234 true
    run --rm --pull never nosuch:tag true
    run --rm --pull bogus bb true
    run --rm bb nosuch
    run --rm bb /etc
    run --rm bb ''
    run --rm bb sh -c 'exit 42'
    run --rm -a stderr bb sh -c 'echo o; echo e >&2'
    run --rm -d -a stdout bb true
    run --rm --network none --hostname a.b --domainname c bb cat /etc/hostname
    run --rm --user 1:2 --group-add 7 bb id
    run --rm --group-add bogus bb id
    run --rm --workdir /new/dir bb pwd
    run --rm --env-file /nosuch bb env
    run --rm --cidfile /nosuch/dir/cid bb true
    create --name made bb
    create sha256:12 true`,
  "run: mounts and networks": `
    run --rm --mount type=bind,src=/nosuch,dst=/x bb true
    run --rm --mount type=bind,src=rel,dst=/x bb true
    run --rm --mount type=bogus,dst=/x bb true
    run --rm --mount dst=/x bb true
    run --rm --mount type=volume,src=vv,dst=/x,readonly bb touch /x/y
    run --rm -v vv:/x:bogus bb true
    run --rm -v a:b:c:d bb true
    run --rm --tmpfs /t:size=bogus bb true
    run --rm -p 1:2:3:4:5 bb true
    run --rm -p 70000:80 bb true
    run --rm -p 80-81:90 bb true
    run --rm -p 80:80/bogus bb true
    run --rm --expose 80-79 bb true
    run --rm --network nope bb true
    run --rm --network container:nope bb true
    run --rm --network container:made bb true
    run --rm --network nn --ip 1.2.3.4 bb true
    run --rm --network none --network-alias x bb true
    run --rm --mac-address bogus bb true
    run --rm --link nope:x bb true
    run --rm --dns bogus bb true
    run --rm --add-host bogus bb true
    run --rm --volumes-from nope bb true`,
  "run: limits and rights": `
    run --rm --memory 1k bb true
    run --rm --memory 10m --memory-swap 5m bb true
    run --rm --memory-swappiness 200 bb true
    run --rm --oom-score-adj 2000 bb true
    run --rm --ulimit nofile=5:3 bb true
    run --rm --ulimit bogus=5 bb true
    run --rm --restart always bb true
    run --rm --restart bogus bb true
    run --rm --stop-signal BOGUS bb true
    run --rm --security-opt bogus bb true
    run --rm --security-opt seccomp=/nosuch bb true
    run --rm --cap-add BOGUS bb true
    run --rm --device /nosuch bb true
    run --rm --sysctl bogus bb true
    run --rm --platform bogus/x bb true
    run --rm --ipc bogus bb true
    run --rm --pid container:nope bb true
    run --rm --log-driver bogus bb true
    run --rm --log-opt bogus=1 bb true
    run --rm --runtime bogus bb true
    run --rm --health-cmd true --no-healthcheck bb true
    run --rm --cpuset-cpus 999 bb true
    run --rm --blkio-weight 1 bb true
    run --rm --read-only bb touch /x`,
  "containers that are there": `
    attach
    attach made
    attach ended
    attach nope
    attach up made
    exec up
    exec up ''
    exec up nosuch
    exec up sh -c 'exit 42'
    exec -w /nosuch up true
    exec -e =x up true
    exec -d up nosuch
    exec made true
    exec paused true
    exec nope true
    wait
    wait ended nope made
    top nope
    top made
    top up -o bogus
    stats --no-stream nope
    stats --no-stream made --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}'
    rename up
    rename up made
    rename up 'a b'
    rename nope x
    update up
    update nope --memory 10m
    update --memory 1k up
    update --restart bogus up
    update --cpus 0.2 --cpu-quota 1000 up
    port up 81
    port nope
    diff nope
    pause paused
    pause made
    unpause up
    kill made
    kill -s BOGUS up
    stop made
    stop nope made
    stop -s BOGUS up
    restart nope
    start up
    start nope up
    start paused
    start -a up paused
    rm up
    rm nope
    rm -f nope
    logs
    logs nope
    logs --tail x ended
    logs --since bogus ended
    logs --until 2000-01-01 ended
    commit nope
    commit up BAD
    commit -c 'BOGUS x' up t:1
    export nope
    cp up:/x
    cp up:/nope .
    cp up:/etc/hostname made:/tmp
    cp nope:/x .
    cp :/x .
    cp /etc/hostname up:/nosuch/file
    cp up:/proc/1/status -`,
  "what is listed and inspected": `
    ps -f bogus
    ps -f bogus=1
    ps -f status=bogus
    ps -a -f exited=7 --format '{{.Names}}'
    ps -f health=bogus
    ps -f before=nope
    ps -f since=up --format '{{.Names}}'
    ps -f network=nn --format '{{.Names}} {{.Networks}} {{.Mounts}}'
    ps -n x
    ps --format 'table {{.Names}}\\t{{.Bogus}}'
    ps extra
    inspect nope up
    inspect --type bogus up
    inspect --type image up
    inspect --size vv bb -f '{{.Name}}'
    inspect -f '{{.Bogus}}' up nn
    container inspect nn
    network inspect up
    volume inspect up
    image inspect up
    events --since bogus
    events --since 10 --until 5
    events --format '{{.Bogus}}'
    images -f dangling=maybe
    images -f since=nope
    image inspect --platform linux/s390x bb
    history nope
    rmi nope
    tag bb BAD
    tag nope x
    save nope
    load -i /nosuch
    import /nosuch
    pull BAD
    push BAD
    system df --format '{{.Type}} {{.TotalCount}}'
    container prune -f --filter bogus=1
    volume prune -f --filter bogus=1
    network prune -f --filter until=1000h`,
  "networks, volumes, contexts, flags": `
    network connect nn
    network connect nope up
    network connect nn nope
    network connect nn wired
    network disconnect nn up
    network rm nn
    network rm bridge
    network create nn
    network create --driver bogus x
    network create --subnet bogus x
    network create --subnet 10.1.0.0/16 --gateway 10.2.0.1 x
    network create --config-from nope x
    network inspect nn nope -f '{{.Name}}'
    network ls -f bogus=1
    volume create --driver bogus x
    volume create --opt bogus=1 x
    volume create 'b d'
    volume rm vv
    volume rm nope
    volume ls -f dangling=maybe
    context inspect nope
    context use nope
    context rm default
    context create x --docker host=bogus
    --context x ps
    --log-level bogus ps
    login -u x -p y --password-stdin localhost:1
    help bogus`,
};

describe("docker and hoy say the same", () => {
  for (const [topic, lines] of Object.entries(LINES)) {
    testWith("docker", topic, async () => {
      for (const line of lines.split("\n").flatMap((each) => each.trim() || [])) {
        const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
        const run = async (client: Client) => said(await client(...words));
        const [theirs, ours] = await Promise.all([run(hoy.docker), run(hoy.hoy)]);
        expect({ line, ...ours }).toEqual({ line, ...theirs });
      }
    });
  }
});

async function prepare(): Promise<void> {
  const { hoy: client } = hoy;
  await ok(client("tag", "busybox", "bb"));
  await ok(client("network", "create", "nn"));
  await ok(client("volume", "create", "vv"));
  await ok(client("run", "-d", "--name", "up", "--network", "none", "bb", "sleep", "1000"));
  await ok(client("run", "-d", "--name", "wired", "--network", "nn", "-v", "vv:/data", "bb", "sleep", "1000"));
  await ok(client("run", "-d", "--name", "paused", "--network", "none", "bb", "sleep", "1000"));
  await ok(client("pause", "paused"));
  await ok(client("create", "--name", "made", "--network", "none", "bb", "true"));
  await client("run", "--name", "ended", "--network", "none", "bb", "sh", "-c", "echo out; echo err >&2; exit 7");
}

/** Without what differs by nature: the client's own name, and what is new in each container. */
function said({ code, stdout, stderr }: Result) {
  const plain = (text: string) =>
    text
      .replaceAll(/\bhoy(?=[ :'])/g, "docker")
      .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
      .replaceAll(/\b[0-9a-f]{12}\b/g, "SHORT")
      // Docker's client begins the engine's sentence with a small letter here and there.
      .replaceAll(
        /(Error response from daemon: )([A-Z])/g,
        (_, lead: string, first: string) => lead + first.toLowerCase(),
      );
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}
