// The flags of `run` and `create`, held against docker's own client: both are given the same command lines and the same
// (recording) engine, and must ask it for the same container, or refuse with the same words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker, dockerVersion } from "../testing/docker-client.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { hoy } from "../testing/memory-io.ts";

const engine = new FakeEngine();
let env: Record<string, string> = {};

beforeAll(async () => {
  await engine.start();
  engine.answers.set("POST /containers/create", { Id: "f".repeat(64), Warnings: [] });
  const cwd = engine.directory;
  mkdirSync(join(cwd, "config"));
  writeFileSync(join(cwd, "vars"), "# comment\n\nA=1\nB=two words\n  C=3\nFROM_CLIENT\nNOT_THERE\nEMPTY=\n");
  writeFileSync(join(cwd, "labels"), "one=1\ntwo\n");
  writeFileSync(join(cwd, "badvars"), "A=1\n=x\n");
  writeFileSync(join(cwd, "spacevars"), "A B=1\n");
  writeFileSync(join(cwd, "seccomp.json"), '{\n  "defaultAction": "SCMP_ACT_ALLOW",\n  "syscalls": [ ]\n}\n');
  env = {
    HOME: cwd,
    DOCKER_HOST: engine.host,
    DOCKER_CONFIG: join(cwd, "config"),
    FROM_CLIENT: "client's",
    LANG: "C.UTF-8",
  };
});

afterAll(() => engine[Symbol.asyncDispose]());

/** One command line a row, in shell words without quoting; after the flags, the image is added. */
const ACCEPTED = `

-it
-i -t --name web
-e A=1 -e B= -e FROM_CLIENT -e NOT_THERE
--env A=1 --env A=2
--env-file vars
--env-file vars -e A=override
--label a=b --label c -l d=e=f
--label-file labels --label x=y
-p 80
-p 8080:80
-p 127.0.0.1:8080:80
-p 127.0.0.1::80
-p [::1]:8080:80
-p [::]::80/udp
-p 8080:80/udp -p 8080:80/tcp
-p 8000-8010:80
-p 8000-8002:90-92
-p 90-92
-p 8080:80/SCTP
-p published=8080,target=80
-p target=80,published=8080,protocol=udp
-P
--expose 80 --expose 90-92/udp
--expose 1234/tcp -p 5678
-v /data
-v :
-v ::
-v /a:/b
-v /a:/b:ro
-v name:/b:rw,z
-v ./rel:/b
-v ../up:/b:ro
-v /x -v /y:/z -v vol:/w
--volumes-from other --volumes-from another:ro
--volume-driver local
--mount type=bind,source=/a,target=/b
--mount type=bind,src=/a,dst=/b,readonly
--mount type=bind,src=./a,destination=/b,ro=true,bind-propagation=rslave
--mount type=bind,src=/a,dst=/b,bind-recursive=disabled
--mount type=bind,src=/a,dst=/b,ro,bind-recursive=writable
--mount type=bind,src=/a,dst=/b,ro,bind-recursive=readonly,bind-propagation=rprivate
--mount type=volume,target=/b
--mount source=vol,target=/b,volume-nocopy
--mount source=vol,target=/b,volume-label=a=b,volume-label=c=d,volume-driver=local,volume-opt=type=tmpfs,volume-opt=o=size=1m
--mount source=vol,target=/b,volume-subpath=dir
--mount type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1770
--mount type=tmpfs,dst=/t
--mount type=image,source=img,target=/b,image-subpath=x
--mount type=bind,src=/a,dst=/b,consistency=cached
--tmpfs /run --tmpfs /tmp:rw,size=1m
--network host
--network none
--network bridge
--network mynet
--network mynet --network-alias a --network-alias b
--network mynet --ip 10.0.0.5 --ip6 fd00::5 --link-local-ip 169.254.0.5
--network name=mynet,alias=web,ip=10.0.0.5
--network name=mynet,alias=a,alias=b,driver-opt=k=v,mac-address=02:42:ac:11:00:02,gw-priority=10
--network one --network two
--network name=one,alias=x --network two
--net mynet --net-alias x
--network container:other
--network mynet --link db:database
--link db
--link db:database
--mac-address 92:d0:c6:0a:29:33
--ip 10.0.0.5
--add-host a:1.2.3.4 --add-host b=::1 --add-host c:host-gateway --add-host d:[::1]
--dns 1.1.1.1 --dns ::1 --dns-search example.com --dns-search . --dns-option ndots:2 --dns-opt timeout:1
-m 128m
-m 1.5g --memory-reservation 64M --memory-swap 2G
--memory 1024 --memory-swap -1
--memory-swappiness 50
--memory-swappiness 0
-m 4KiB
-m 10b
--cpus 1.5
--cpus .5
--cpus 2
--cpus 1/2
--cpus 0.001
--cpu-shares 512 --cpu-period 100000 --cpu-quota 50000 --cpuset-cpus 0-1 --cpuset-mems 0
-c 10 --cpu-rt-period 1000 --cpu-rt-runtime 500
--pids-limit 100
--pids-limit -1
--pids-limit 0
--blkio-weight 300 --blkio-weight-device /dev/sda:200
--device-read-bps /dev/sda:1mb --device-write-bps /dev/sda:1024 --device-read-iops /dev/sda:100 --device-write-iops /dev/sda:200
--device /dev/null
--device /dev/null:/dev/x
--device /dev/null:/dev/x:r
--device /dev/null:rw
--device /dev//a/../b:/dev/./c
--device vendor.com/class=name
--device vendor.com/class=name --device /dev/null --gpus all
--device-cgroup-rule=c~1:3~rwm
--gpus all
--gpus 2
--gpus device=0
--gpus count=3,capabilities=utility,driver=nvidia
--ulimit nofile=1024 --ulimit nproc=5:6 --ulimit nofile=2048:4096
--ulimit core=-1
--ulimit memlock=1:-1
--privileged
--cap-add NET_ADMIN --cap-add sys_time --cap-drop ALL
--cap-add ALL --cap-add sys_time --cap-drop NET_ADMIN
--cap-add sys_time --cap-drop cap_sys_time --cap-drop mknod --cap-drop chown --cap-drop chown
--security-opt no-new-privileges
--security-opt no-new-privileges=false
--security-opt seccomp=unconfined --security-opt apparmor=unconfined
--security-opt seccomp=builtin
--security-opt seccomp=seccomp.json
--security-opt label:disable
--security-opt systempaths=unconfined
--security-opt systempaths=unconfined --security-opt no-new-privileges
--read-only
--init
--init=false
--rm
--restart always
--restart on-failure:3
--restart unless-stopped
--restart no --rm
--stop-signal SIGINT
--stop-timeout 5
--stop-timeout 0
--hostname h --domainname d
-h h
--user 1000:1000 -w /work
-u nobody --group-add adm --group-add 1000
--entrypoint /bin/sh
--entrypoint=
--health-cmd true --health-interval 5s --health-timeout 1m30s --health-retries 3 --health-start-period 1h --health-start-interval 500ms
--health-interval 5s
--no-healthcheck
--log-driver json-file --log-opt max-size=10m --log-opt max-file=3
--log-driver none
--ipc host --pid host --uts host --userns host --cgroupns host
--ipc container:x --pid container:y --cgroupns private
--ipc shareable
--shm-size 64m
--sysctl net.core.somaxconn=1024 --sysctl kernel.msgmax=65536
--storage-opt size=10G
--oom-kill-disable --oom-score-adj -500
--cgroup-parent /x
--runtime crun
--isolation default
--annotation a=b --annotation c
--platform linux/amd64
--pull never
--pull always=no-such-rows
-a stdout
-a stdin -a STDERR
--attach stdin -i
--cidfile /nonexistent-directory-of-no-one/cid
--kernel-memory 4m
--disable-content-trust
--quiet
-itP --rm=true --init=true
-m=64m
-m64m
-e=A=1
-eA=1
`
  .split("\n")
  .slice(1, -1)
  .filter((line) => !line.includes("no-such-rows") && !line.startsWith("--cidfile"));

const REFUSED = `
--foo
-Z
-itZ
--name
-m
-m 12x
-m abc
-m -5
-m 5mbb
--memory-swappiness 101
--memory-swappiness -2
--cpus x
--cpus 0.0000000001
--cpu-shares x
--cpu-shares 99999999999999999999
--blkio-weight 70000
--blkio-weight-device sda:100
--blkio-weight-device /dev/sda:5
--blkio-weight-device /dev/sda
--device-read-bps /dev/sda:x
--device-read-bps x:1
--device-read-iops /dev/sda:-1
--device a:b:c:d
--device /dev/null:rel
--device /dev/a:/dev/b:x
--device-cgroup-rule x
--gpus x
--gpus all,all
--gpus foo=bar
--ulimit x=1
--ulimit nofile
--ulimit nofile=5:1
--ulimit nofile=1:2:3
--ulimit nofile=x
--ulimit nofile=-1:5
-p x
-p 80:x
-p x:80
-p 70000
-p 80/foo
-p 999.1.1.1:80:80
-p 10-5
-p 80:90-95
-p 80-81:90-95
-p a=b,c
-p 1.2.3.4:80:
--expose x
--expose 80:90
--expose 5-1
-v /a:
-v /a:/b:ro:x
--mount x
--mount type=bind,foo=bar
--mount type=bind,volume-nocopy
--mount type=volume,bind-propagation=shared
--mount type=tmpfs,volume-driver=x
--mount type=tmpfs,tmpfs-size=x,dst=/t
--mount type=tmpfs,tmpfs-mode=9,dst=/t
--mount type=bind,ro=maybe
--mount type=bind,bind-recursive=maybe
--mount type=bind,bind-recursive=writable
--mount type=bind,ro,bind-recursive=readonly
--mount type=bind,source=
--mount type=,dst=/b
--mount type=bind,~src=/a,dst=/b
--mount volume-nocopy=x,dst=/b
--mount type=bind,dst=/b,volume-nocopy
--mount dst=/b,bind-propagation=shared
--mount type=tmpfs,dst=/b,volume-driver=x
--mount type=bind,dst=/b,bind-recursive=writable
--mount type=bind,dst=/b,bind-recursive=readonly
--mount type=bind,dst=/b,ro,bind-recursive=readonly
--network a --network a
--network a --network host
--network name=a,foo=b
--network alias=b
--network a=b,
--network name=a,gw-priority=x
--network name=a,alias=x --network-alias y
--network name=a,ip=1.2.3.4 --ip 1.2.3.5
--network host --network-alias x
--mac-address x
--add-host x
--add-host a:b
--add-host =1.2.3.4
--dns x
--dns-search -x-
--dns-search $
--link a:b:c
--label =x
--label-file nowhere
--env-file nowhere
--env-file badvars
--env-file spacevars
-e =x
--env-file .
--restart :3
--restart on-failure:x
--restart always --rm
--no-healthcheck --health-cmd x
--health-interval x
--health-interval 5
--health-interval -5s
--health-retries -1
--health-timeout -1s
--health-start-period -1s
--pid x
--uts x
--userns x
--cgroupns x
--log-driver none --log-opt a=b
--security-opt foo
--security-opt seccomp=nowhere.json
--cpu-count 1
--io-maxiops 5
--storage-opt x
--sysctl x=y
--sysctl net.x
--attach foo
--rm=maybe
--init=x
--stop-timeout x
--pull sometimes
--cpus=
--shm-size x
--memory-swap x
`
  .split("\n")
  .slice(1, -1);

/** "~" stands for a space inside a word. */
const words = (line: string) =>
  line
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => word.replaceAll("~", " "));

async function both(argv: readonly string[]) {
  engine.take();
  const theirs = await docker(argv, env, { cwd: engine.directory });
  const theirRequests = engine.take();
  const ours = await hoy(argv, { env, cwd: engine.directory, program: "docker" });
  return { theirs, ours, theirRequests, ourRequests: engine.take() };
}

describe.skipIf(dockerVersion === undefined)(`against docker ${dockerVersion ?? "(no docker client here)"}`, () => {
  test.each(ACCEPTED)("create %s", async (line) => {
    const { theirs, ours, theirRequests, ourRequests } = await both([
      "create",
      ...words(line),
      "busybox",
      "sh",
      "-c",
      "x",
    ]);
    expect(theirs.code).toBe(0);
    expect(ours).toEqual({ ...theirs, stderr: theirs.stderr.replace(/^Flag .*deprecated.*\n/m, "") });
    const [wanted] = theirRequests.filter(({ method }) => method === "POST");
    const [got] = ourRequests.filter(({ method }) => method === "POST");
    expect(got?.query).toEqual(wanted?.query ?? {});
    expect(normal(got?.body)).toEqual(normal(wanted?.body));
  });

  test.each(REFUSED)("create %s is refused alike", async (line) => {
    const { theirs, ours, ourRequests } = await both(["create", ...words(line), "busybox"]);
    expect(theirs.code).not.toBe(0);
    expect(ours).toEqual(theirs);
    expect(ourRequests.filter(({ path }) => path === "/containers/create")).toEqual([]);
  });
});

/** Without nulls; lists that docker's client orders at random sorted; zero values of endpoints, which it sends, dropped. */
function normal(body: string | undefined): unknown {
  const value = withoutNulls(JSON.parse(body ?? "null")) as {
    Env?: string[];
    HostConfig?: { Binds?: string[]; Mounts?: { VolumeOptions?: { DriverConfig?: unknown } }[] };
    NetworkingConfig?: { EndpointsConfig?: Record<string, Record<string, unknown>> };
  };
  value.Env?.sort();
  value.HostConfig?.Binds?.sort();
  // An empty one is what that version of docker sends for volumes with options.
  for (const { VolumeOptions: volume } of value.HostConfig?.Mounts ?? [])
    if (volume !== undefined && JSON.stringify(volume.DriverConfig) === "{}") delete volume.DriverConfig;
  for (const endpoint of Object.values(value.NetworkingConfig?.EndpointsConfig ?? {}))
    for (const [name, item] of Object.entries(endpoint)) if (item === "" || item === 0) delete endpoint[name];
  return value;
}

/** Null and an empty list say the same to an engine. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && !(Array.isArray(item) && item.length === 0))
      .map(([key, item]) => [key, withoutNulls(item)]),
  );
}
