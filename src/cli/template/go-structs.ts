// The structs that docker's client runs templates over, with Go's order of fields: what prints them whole, which fields
// JSON leaves out, and how Go spells their names. From moby's api/types and docker/cli at version 28; what is not shown
// to users as a struct (swarm's) is "any". typed.ts reads it.
//
//   JSON:Go? type    "?": left out of JSON when empty; Go's name where it is another
//   +Name type       embedded: its fields are the outer's in JSON, and a struct of its own in print
//   []T  map T  *T   slices, maps with text as keys, pointers; "set" is a map of empty structs, "pair" [2]uint

export const STRUCTS: Readonly<Record<string, string>> = {
  Actor: `ID string, Attributes map string`,
  Address: `Addr string, PrefixLen int`,
  BindOptions: `Propagation? string, NonRecursive? bool, CreateMountpoint? bool, ReadOnlyNonRecursive? bool,
    ReadOnlyForceRecursive? bool`,
  ClientInfo: `Debug bool, +clientVersion ClientVersion, Plugins []Plugin, Warnings []string`,
  ClientVersion: `Platform? *PlatformName, Version? string, ApiVersion:APIVersion? string, DefaultAPIVersion? string,
    GitCommit? string, GoVersion? string, Os? string, Arch? string, BuildTime? string, Context string`,
  Commit: `ID string, Expected? string`,
  ComponentVersion: `Name string, Version string, Details? map string`,
  Config: `Hostname string, Domainname string, User string, AttachStdin bool, AttachStdout bool, AttachStderr bool,
    ExposedPorts? set, Tty bool, OpenStdin bool, StdinOnce bool, Env []string, Cmd []string, Healthcheck?
    *HealthcheckConfig, ArgsEscaped? bool, Image string, Volumes set, WorkingDir string, Entrypoint []string,
    NetworkDisabled? bool, MacAddress? string, OnBuild []string, Labels map string, StopSignal? string, StopTimeout?
    *int, Shell? []string`,
  ConfigReference: `Network string`,
  Container: `+ContainerJSONBase *ContainerBase, Mounts []MountPoint, Config *Config, NetworkSettings
    *NetworkSettings, ImageManifestDescriptor? *Descriptor`,
  ContainerBase: `Id:ID string, Created string, Path string, Args []string, State *State, Image string, ResolvConfPath
    string, HostnamePath string, HostsPath string, LogPath string, Name string, RestartCount int, Driver string,
    Platform string, MountLabel string, ProcessLabel string, AppArmorProfile string, ExecIDs []string, HostConfig
    *HostConfig, GraphDriver DriverData, SizeRw? *int, SizeRootFs? *int`,
  ContainerdInfo: `Address? string, Namespaces ContainerdNamespaces`,
  ContainerdNamespaces: `Containers string, Plugins string`,
  ContextInfo: `+Metadata ContextMetadata, TLSMaterial map []string, Storage ContextStorage`,
  ContextMetadata: `Name? string, Metadata DockerContext, Endpoints? map EndpointMeta`,
  ContextStorage: `MetadataPath string, TLSPath string`,
  DefaultNetworkSettings: `EndpointID string, Gateway string, GlobalIPv6Address string, GlobalIPv6PrefixLen int,
    IPAddress string, IPPrefixLen int, IPv6Gateway string, MacAddress string`,
  Descriptor: `mediaType:MediaType string, digest:Digest string, size:Size int, urls:URLs? []string,
    annotations:Annotations? map string, data:Data? bytes, platform:Platform? *Platform, artifactType:ArtifactType?
    string`,
  DeviceInfo: `Source string, ID string`,
  DeviceMapping: `PathOnHost string, PathInContainer string, CgroupPermissions string`,
  DeviceRequest: `Driver string, Count int, DeviceIDs []string, Capabilities [][]string, Options map string`,
  DockerConfig: `Healthcheck? *HealthcheckConfig, OnBuild? []string, Shell? []string`,
  DockerInfo: `+Info *Info, ServerErrors? []string, ClientInfo? *ClientInfo, ClientErrors? []string`,
  DockerContext: `Description? string, AdditionalFields? map any`,
  Driver: `Name? string, Options? map string`,
  DriverData: `Data map string, Name string`,
  EndpointIPAMConfig: `IPv4Address? string, IPv6Address? string, LinkLocalIPs? []string`,
  EndpointMeta: `Host? string, SkipTLSVerify bool`,
  EndpointResource: `Name string, EndpointID string, MacAddress string, IPv4Address string, IPv6Address string`,
  EndpointSettings: `IPAMConfig *EndpointIPAMConfig, Links []string, Aliases []string, MacAddress string, DriverOpts
    map string, GwPriority int, NetworkID string, EndpointID string, Gateway string, IPAddress string, IPPrefixLen
    int, IPv6Gateway string, GlobalIPv6Address string, GlobalIPv6PrefixLen int, DNSNames []string`,
  Event: `status:Status? string, id:ID? string, from:From? string, Type string, Action string, Actor Actor,
    scope:Scope? string, time:Time? int, timeNano:TimeNano? int`,
  FirewallInfo: `Driver string, Info? [][]string`,
  Health: `Status string, FailingStreak int, Log []*HealthcheckResult`,
  HealthcheckConfig: `Test? []string, Interval? duration, Timeout? duration, StartPeriod? duration, StartInterval?
    duration, Retries? int`,
  HealthcheckResult: `Start time, End time, ExitCode int, Output string`,
  HostConfig: `Binds []string, ContainerIDFile string, LogConfig LogConfig, NetworkMode string, PortBindings map
    []PortBinding, RestartPolicy RestartPolicy, AutoRemove bool, VolumeDriver string, VolumesFrom []string,
    ConsoleSize pair, Annotations? map string, CapAdd []string, CapDrop []string, CgroupnsMode string, Dns:DNS
    []string, DnsOptions:DNSOptions []string, DnsSearch:DNSSearch []string, ExtraHosts []string, GroupAdd []string,
    IpcMode string, Cgroup string, Links []string, OomScoreAdj int, PidMode string, Privileged bool, PublishAllPorts
    bool, ReadonlyRootfs bool, SecurityOpt []string, StorageOpt? map string, Tmpfs? map string, UTSMode string,
    UsernsMode string, ShmSize int, Sysctls? map string, Runtime? string, Isolation string, +Resources Resources,
    Mounts? []Mount, MaskedPaths []string, ReadonlyPaths []string, Init? *bool`,
  IPAM: `Driver string, Options map string, Config []IPAMConfig`,
  IPAMConfig: `Subnet? string, IPRange? string, Gateway? string, AuxiliaryAddresses:AuxAddress? map string`,
  Image: `Id:ID string, RepoTags []string, RepoDigests []string, Parent string, Comment string, Created? string,
    Container? string, ContainerConfig? *Config, DockerVersion string, Author string, Config *ImageConfig,
    Architecture string, Variant? string, Os string, OsVersion? string, Size int, VirtualSize? int, GraphDriver
    DriverData, RootFS RootFS, Metadata ImageMetadata, Descriptor? *Descriptor, Manifests? []any`,
  ImageConfig: `+ImageConfig OciConfig, +DockerOCIImageConfigExt DockerConfig`,
  ImageMetadata: `LastTagTime? time`,
  ImageOptions: `Subpath? string`,
  IndexInfo: `Name string, Mirrors []string, Secure bool, Official bool`,
  Info: `ID string, Containers int, ContainersRunning int, ContainersPaused int, ContainersStopped int, Images int,
    Driver string, DriverStatus [][]string, SystemStatus? [][]string, Plugins PluginsInfo, MemoryLimit bool, SwapLimit
    bool, KernelMemory? bool, KernelMemoryTCP? bool, CpuCfsPeriod:CPUCfsPeriod bool, CpuCfsQuota:CPUCfsQuota bool,
    CPUShares bool, CPUSet bool, PidsLimit bool, IPv4Forwarding bool, Debug bool, NFd int, OomKillDisable bool,
    NGoroutines int, SystemTime string, LoggingDriver string, CgroupDriver string, CgroupVersion? string,
    NEventsListener int, KernelVersion string, OperatingSystem string, OSVersion string, OSType string, Architecture
    string, IndexServerAddress string, RegistryConfig *ServiceConfig, NCPU int, MemTotal int, GenericResources []any,
    DockerRootDir string, HttpProxy:HTTPProxy string, HttpsProxy:HTTPSProxy string, NoProxy string, Name string,
    Labels []string, ExperimentalBuild bool, ServerVersion string, Runtimes map RuntimeWithStatus, DefaultRuntime
    string, Swarm Swarm, LiveRestoreEnabled bool, Isolation string, InitBinary string, ContainerdCommit Commit,
    RuncCommit Commit, InitCommit Commit, SecurityOptions []string, ProductLicense? string, DefaultAddressPools?
    []NetworkAddressPool, FirewallBackend? *FirewallInfo, CDISpecDirs []string, DiscoveredDevices? []DeviceInfo,
    Containerd? *ContainerdInfo, Warnings []string`,
  LogConfig: `Type string, Config map string`,
  Mount: `Type? string, Source? string, Target? string, ReadOnly? bool, Consistency? string, BindOptions?
    *BindOptions, VolumeOptions? *VolumeOptions, ImageOptions? *ImageOptions, TmpfsOptions? *TmpfsOptions,
    ClusterOptions? any`,
  MountPoint: `Type? string, Name? string, Source string, Destination string, Driver? string, Mode string, RW bool,
    Propagation string`,
  Network: `Name string, Id:ID string, Created time, Scope string, Driver string, EnableIPv4 bool, EnableIPv6 bool,
    IPAM IPAM, Internal bool, Attachable bool, Ingress bool, ConfigFrom ConfigReference, ConfigOnly bool, Containers
    map EndpointResource, Options map string, Labels map string, Peers? []PeerInfo, Services? map ServiceInfo`,
  NetworkAddressPool: `Base string, Size int`,
  NetworkSettings: `+NetworkSettingsBase NetworkSettingsBase, +DefaultNetworkSettings DefaultNetworkSettings, Networks
    map *EndpointSettings`,
  NetworkSettingsBase: `Bridge string, SandboxID string, SandboxKey string, Ports map []PortBinding, HairpinMode bool,
    LinkLocalIPv6Address string, LinkLocalIPv6PrefixLen int, SecondaryIPAddresses []Address, SecondaryIPv6Addresses
    []Address`,
  OciConfig: `User? string, ExposedPorts? set, Env? []string, Entrypoint? []string, Cmd? []string, Volumes? set,
    WorkingDir? string, Labels? map string, StopSignal? string, ArgsEscaped? bool`,
  PeerInfo: `Name string, IP string`,
  Platform: `architecture:Architecture string, os:OS string, os.version:OSVersion? string, os.features:OSFeatures?
    []string, variant:Variant? string`,
  PlatformName: `Name string`,
  Plugin: `+Metadata PluginMetadata, Name? string, Path? string, Err? any, ShadowedPaths? []string`,
  PluginMetadata: `SchemaVersion? string, Vendor? string, Version? string, ShortDescription? string, URL? string`,
  PluginsInfo: `Volume []string, Network []string, Authorization []string, Log []string`,
  PortBinding: `HostIp:HostIP string, HostPort string`,
  Resources: `CpuShares:CPUShares int, Memory int, NanoCpus:NanoCPUs int, CgroupParent string, BlkioWeight int,
    BlkioWeightDevice []*WeightDevice, BlkioDeviceReadBps []*ThrottleDevice, BlkioDeviceWriteBps []*ThrottleDevice,
    BlkioDeviceReadIOps []*ThrottleDevice, BlkioDeviceWriteIOps []*ThrottleDevice, CpuPeriod:CPUPeriod int,
    CpuQuota:CPUQuota int, CpuRealtimePeriod:CPURealtimePeriod int, CpuRealtimeRuntime:CPURealtimeRuntime int,
    CpusetCpus string, CpusetMems string, Devices []DeviceMapping, DeviceCgroupRules []string, DeviceRequests
    []DeviceRequest, KernelMemory? int, KernelMemoryTCP? int, MemoryReservation int, MemorySwap int, MemorySwappiness
    *int, OomKillDisable *bool, PidsLimit *int, Ulimits []*Ulimit, CpuCount:CPUCount int, CpuPercent:CPUPercent int,
    IOMaximumIOps int, IOMaximumBandwidth int`,
  RestartPolicy: `Name string, MaximumRetryCount int`,
  RootFS: `Type? string, Layers? []string`,
  Runtime: `path:Path? string, runtimeArgs:Args? []string, runtimeType:Type? string, options:Options? map any`,
  RuntimeWithStatus: `+Runtime Runtime, status:Status? map string`,
  ServerVersion: `Platform? PlatformName, Components? []ComponentVersion, Version string, ApiVersion:APIVersion
    string, MinAPIVersion? string, GitCommit string, GoVersion string, Os string, Arch string, KernelVersion? string,
    Experimental? bool, BuildTime? string`,
  ServiceConfig: `AllowNondistributableArtifactsCIDRs? []string, AllowNondistributableArtifactsHostnames? []string,
    InsecureRegistryCIDRs []string, IndexConfigs map *IndexInfo, Mirrors []string`,
  ServiceInfo: `VIP string, Ports []string, LocalLBIndex int, Tasks []any`,
  State: `Status string, Running bool, Paused bool, Restarting bool, OOMKilled bool, Dead bool, Pid int, ExitCode int,
    Error string, StartedAt string, FinishedAt string, Health? *Health`,
  Swarm: `NodeID string, NodeAddr string, LocalNodeState string, ControlAvailable bool, Error string, RemoteManagers
    []any, Nodes? int, Managers? int, Cluster? any, Warnings? []string`,
  ThrottleDevice: `Path string, Rate int`,
  TmpfsOptions: `SizeBytes? int, Mode? filemode, Options? [][]string`,
  Ulimit: `Name string, Hard int, Soft int`,
  UsageData: `RefCount int, Size int`,
  VersionInfo: `Client ClientVersion, Server? *ServerVersion`,
  Volume: `ClusterVolume? any, CreatedAt? string, Driver string, Labels map string, Mountpoint string, Name string,
    Options map string, Scope string, Status? map any, UsageData? *UsageData`,
  VolumeOptions: `NoCopy? bool, Labels? map string, Subpath? string, DriverConfig? *Driver`,
  WeightDevice: `Path string, Weight int`,
};

/** Go's names of structs, for messages: of those that there is no JSON to fall back on. */
export const GO_TYPES: Readonly<Record<string, string>> = {
  Actor: "events.Actor",
  ClientInfo: "system.clientInfo",
  ClientVersion: "system.clientVersion",
  Commit: "system.Commit",
  ComponentVersion: "types.ComponentVersion",
  ContextInfo: "context.contextWithTLSListing",
  ContextStorage: "store.StorageInfo",
  Event: "events.Message",
  PluginsInfo: "system.PluginsInfo",
  ServerVersion: "types.Version",
  ServiceConfig: "registry.ServiceConfig",
  Swarm: "swarm.Info",
  VersionInfo: "system.versionInfo",
};
