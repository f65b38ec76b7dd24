// A client that is always there: snippets send to it and close it.

/** Keeps one connection open. `connectionId()` opens it anew when it was closed. */
export function keepConnected(service, { userId, groups }) {
  let socket;
  let id;
  async function open() {
    const { url } = await service.getClientAccessToken({ userId, groups });
    socket = new WebSocket(url, "json.webpubsub.azure.v1");
    id = await new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(JSON.parse(data).connectionId);
      socket.onerror = reject;
    });
  }
  return {
    connectionId: async () => {
      if (id === undefined || !(await service.connectionExists(id))) {
        await open();
      }
      for (const group of groups) {
        await service.group(group).addConnection(id);
      }
      return id;
    },
    stop: () => socket?.close(),
  };
}
