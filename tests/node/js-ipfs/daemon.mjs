// An IPFS daemon with its RPC on loopback and no network. Argument: a folder for its repository. Prints its multiaddr.
import { create } from "ipfs-core";
import { HttpApi } from "ipfs-http-server";

const ipfs = await create({
  repo: process.argv[2],
  silent: true,
  offline: true,
  config: {
    Addresses: { Swarm: [], API: "/ip4/127.0.0.1/tcp/0", Gateway: "" },
    Bootstrap: [],
    Discovery: { MDNS: { Enabled: false } },
  },
});
const api = new HttpApi(ipfs);
await api.start();
console.log(api._apiServers[0].info.ma.toString());
