// Clients whose sockets are cut at random while they send and receive: what is lost, doubled, or out of order.

const PUBLISHERS = 2;
const RECEIVERS = 3;
/** The wait between two cuts, in milliseconds, at most. */
const MOST_BETWEEN_CUTS = 250;
const PATIENCE_MS = 10_000;
/** The service keeps 1000 messages for a receiver that is away, and then gives it up: a publisher is no faster than that. */
const PACE_MS = 5;

/**
 * Lets publishers send numbered messages to a group, one after the other, and cuts sockets meanwhile; then counts what
 * each receiver got. `connect(userId)` gives a client that is ready, `cut(userId)` cuts its socket.
 */
export async function underCuts({ connect, cut, seconds, run }) {
  const group = `cuts ${run}`;
  const counts = { sent: 0, failed: 0, cuts: 0, received: 0, lost: 0, doubled: 0, disordered: 0 };
  const users = [];
  const join = async (name) => {
    const userId = `${name} ${run}`;
    users.push(userId);
    const client = await connect(userId);
    return client;
  };
  const publishers = await Promise.all(Array.from({ length: PUBLISHERS }, (_, index) => join(`publisher ${index}`)));
  const receivers = await Promise.all(Array.from({ length: RECEIVERS }, (_, index) => join(`receiver ${index}`)));
  /** By receiver and publisher, the numbers in their order. */
  const got = receivers.map(() => publishers.map(() => []));
  for (const [index, receiver] of receivers.entries()) {
    receiver.on("group-message", ({ message }) => got[index][message.data.publisher].push(message.data.n));
    await receiver.joinGroup(group);
  }

  let isOver = false;
  const accepted = publishers.map(() => 0);
  const publishing = publishers.map(async (client, publisher) => {
    while (!isOver) {
      try {
        await client.sendToGroup(group, { publisher, n: accepted[publisher] }, "json");
        accepted[publisher]++;
        counts.sent++;
      } catch {
        // Nobody knows whether it arrived; it is sent again.
        counts.failed++;
      }
      await sleep(PACE_MS);
    }
  });
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    await sleep(Math.random() * MOST_BETWEEN_CUTS);
    await cut(users[Math.floor(Math.random() * users.length)]);
    counts.cuts++;
  }
  isOver = true;
  await Promise.all(publishing);

  const deadline = Date.now() + PATIENCE_MS;
  const isComplete = () => got.every((lists) => lists.every((list, publisher) => new Set(list).size >= accepted[publisher]));
  while (!isComplete() && Date.now() < deadline) await sleep(20);
  for (const lists of got) {
    for (const [publisher, list] of lists.entries()) {
      const distinct = new Set(list);
      counts.received += list.length;
      counts.doubled += list.length - distinct.size;
      for (let n = 0; n < accepted[publisher]; n++) if (!distinct.has(n)) counts.lost++;
      counts.disordered += list.filter((n, index) => index > 0 && n < list[index - 1]).length;
    }
  }
  await Promise.all([...publishers, ...receivers].map((client) => client.stop()));
  return counts;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
