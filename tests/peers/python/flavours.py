"""The two flavours of each SDK, with threads and with asyncio, behind one face, so that a test is written once."""

import asyncio
import inspect
import time

from azure.messaging.webpubsubclient import WebPubSubClient, WebPubSubClientCredential
from azure.messaging.webpubsubclient.aio import WebPubSubClient as AioWebPubSubClient
from azure.messaging.webpubsubclient.aio import WebPubSubClientCredential as AioWebPubSubClientCredential
from azure.messaging.webpubsubclient.models import CallbackType
from azure.messaging.webpubsubservice import WebPubSubServiceClient
from azure.messaging.webpubsubservice.aio import WebPubSubServiceClient as AioWebPubSubServiceClient

PATIENCE = 10


async def done(result):
    """What a call gives, whether it has to be awaited or not."""
    return await result if inspect.isawaitable(result) else result


async def everything(items):
    """All of an iterator, whichever kind it is."""
    if hasattr(items, "__aiter__"):
        return [item async for item in items]
    return list(items)


async def pages(listing):
    """All pages of a listing, as lists. Each is read before the next is asked for: a page of the SDK is good until then."""
    found = []
    by_page = listing.by_page()
    if hasattr(by_page, "__aiter__"):
        async for page in by_page:
            found.append(await everything(page))
    else:
        for page in by_page:
            found.append(await everything(page))
    return found


class Sync:
    """The flavour with threads."""

    service = WebPubSubServiceClient

    @staticmethod
    def client(get_url, **options):
        return WebPubSubClient(WebPubSubClientCredential(get_url), **options)

    @staticmethod
    def callback(function):
        return lambda event=None: function(event)

    @staticmethod
    def credential(credential):
        return credential


class Aio:
    """The flavour with asyncio."""

    service = AioWebPubSubServiceClient

    @staticmethod
    def client(get_url, **options):
        async def get_url_later():
            return get_url()

        return AioWebPubSubClient(AioWebPubSubClientCredential(get_url_later), **options)

    @staticmethod
    def callback(function):
        async def later(event=None):
            function(event)

        return later

    @staticmethod
    def credential(credential):
        class Later:
            async def get_token(self, *scopes, **options):
                return credential.get_token(*scopes, **options)

            async def close(self):
                pass

        return Later()


class Receiver:
    """An official WebSocket client, and everything that its callbacks were told."""

    def __init__(self, flavour, get_url, **options):
        self.client = flavour.client(get_url, **options)
        self._flavour = flavour
        self._events = {kind: [] for kind in CallbackType}

    async def open(self):
        for kind, events in self._events.items():
            await done(self.client.subscribe(kind, self._flavour.callback(events.append)))
        await done(self.client.open())
        (connected,) = await self.take(CallbackType.CONNECTED, 1)
        self.connection_id = connected.connection_id
        self.user_id = connected.user_id
        return self

    async def close(self):
        await done(self.client.close())

    async def take(self, kind, count):
        """The next events of a kind; waits for them. They come in no certain order: each callback is a thread or task."""
        events = self._events[kind]
        deadline = time.monotonic() + PATIENCE
        while len(events) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for {count} {kind} and got {events}")
            await asyncio.sleep(0.01)
        taken = events[:count]
        del events[:count]
        return taken

    async def server_messages(self, count):
        messages = await self.take(CallbackType.SERVER_MESSAGE, count)
        return [(message.data_type, plain(message.data)) for message in messages]

    async def group_messages(self, count):
        messages = await self.take(CallbackType.GROUP_MESSAGE, count)
        return [(message.group, message.data_type, plain(message.data)) for message in messages]


def plain(data):
    """Binary data comes as a memoryview or as bytes."""
    return bytes(data) if isinstance(data, (memoryview, bytearray)) else data
