import { expect, test } from "bun:test";
import { parseNetDev } from "./stats.ts";

const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 1234567    1000    1    2    0     0          0         0   765432     900    3    4    0     0       0          0
`;

test("each interface but loopback, received and sent", () => {
  expect(parseNetDev(TEXT)).toEqual({
    eth0: {
      rx_bytes: 1_234_567,
      rx_packets: 1000,
      rx_errors: 1,
      rx_dropped: 2,
      tx_bytes: 765_432,
      tx_packets: 900,
      tx_errors: 3,
      tx_dropped: 4,
    },
  });
});
