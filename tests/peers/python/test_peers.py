"""The official Python SDKs against the emulator: every operation they have, its effect looked at on the other side.

The emulator is where CONNECTION_STRING says, and takes unvalidated tokens of Entra ID.
"""

import asyncio
import base64
import io
import json
import os
import time
import unittest
import urllib.request

from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.messaging.webpubsubclient.models import CallbackType, SendMessageError, WebPubSubDataType, WebPubSubProtocolType

from flavours import Aio, Receiver, Sync, done, everything, pages

CONNECTION_STRING = os.environ["CONNECTION_STRING"]
PARTS = dict(part.split("=", 1) for part in CONNECTION_STRING.split(";") if part)
ENDPOINT = PARTS["Endpoint"]
EVERYTHING = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"]
FENCE = ("text", "~fence~")


class Peers:
    """The tests, for a flavour."""

    flavour = None

    async def asyncSetUp(self):
        # A hub of its own for each test: they do not see each other.
        self.hub = f"{self.flavour.__name__}_{self._testMethodName}"
        self.service = self.flavour.service.from_connection_string(CONNECTION_STRING, hub=self.hub)
        self.receivers = []
        # The client with threads misses an ack that comes before it waits for it, and waits to the end of its time.
        self.inject({"type": "delayAcks", "ms": 20})

    async def asyncTearDown(self):
        await asyncio.gather(*(receiver.close() for receiver in self.receivers))
        await done(self.service.close())

    async def connect(self, protocol=WebPubSubProtocolType.JSON_RELIABLE, reconnects=0, **token):
        # A client reconnects from a thread or a task of its own, so its URL comes from a client with threads.
        minting = Sync.service.from_connection_string(CONNECTION_STRING, hub=self.hub)
        return await self.open(lambda: minting.get_client_access_token(**token)["url"], protocol, reconnects)

    async def open(self, get_url, protocol=WebPubSubProtocolType.JSON_RELIABLE, reconnects=0):
        options = {"protocol_type": protocol, "reconnect_retry_total": reconnects, "message_retry_total": 0}
        # Should an ack be missed all the same, the wait is short, and the ack is taken for what it is.
        receiver = Receiver(self.flavour, get_url, ack_timeout=1, **options)
        self.receivers.append(receiver)
        return await receiver.open()

    async def received(self, receiver):
        """Everything that came from the server before a message that is sent now."""
        await done(self.service.send_to_connection(receiver.connection_id, FENCE[1], content_type="text/plain"))
        messages = []
        while FENCE not in messages:
            messages += await receiver.server_messages(1)
        messages.remove(FENCE)
        return messages

    async def test_sends(self):
        ann, bob = await self.connect(user_id="ann é?#"), await self.connect(user_id="bob", groups=["g & 1"])
        service = self.service
        await done(service.send_to_all({"to": ["all", None, 1.5]}))
        await done(service.send_to_all("not ann", content_type="text/plain", excluded=[ann.connection_id]))
        binary = {"content_type": "application/octet-stream"}
        await done(service.send_to_all(io.BytesIO(b"\x00\xff"), filter="userId ne 'bob'", **binary))
        await done(service.send_to_user("ann é?#", "user", content_type="text/plain"))
        await done(service.send_to_user("bob", {"filtered": "out"}, filter="userId eq 'ann'"))
        await done(service.send_to_connection(ann.connection_id, "a JSON string"))
        await done(service.send_to_user("nobody", 1))
        self.assertCountEqual(
            await self.received(ann),
            [("json", {"to": ["all", None, 1.5]}), ("binary", b"\x00\xff"), ("text", "user"), ("json", "a JSON string")],
        )
        self.assertCountEqual(await self.received(bob), [("json", {"to": ["all", None, 1.5]}), ("text", "not ann")])

        await done(service.send_to_group("g & 1", "text", content_type="text/plain"))
        await done(service.send_to_group("g & 1", {"n": 1}, filter="userId eq 'bob'"))
        await done(service.send_to_group("g & 1", io.BytesIO(b"12"), **binary))
        await done(service.send_to_group("g & 1", "not bob", excluded=[bob.connection_id]))
        self.assertCountEqual(
            await bob.group_messages(3),
            [("g & 1", "text", "text"), ("g & 1", "json", {"n": 1}), ("g & 1", "binary", b"12")],
        )
        with self.assertRaises(HttpResponseError) as raised:
            await done(service.send_to_all(1, filter="invalid filter"))
        self.assertEqual(raised.exception.status_code, 400)

    async def test_existence(self):
        cat = await self.connect(user_id="cat", groups=["cats"])
        service = self.service
        self.assertIs(await done(service.connection_exists(cat.connection_id)), True)
        self.assertIs(await done(service.user_exists("cat")), True)
        self.assertIs(await done(service.group_exists("cats")), True)
        self.assertIs(await done(service.connection_exists("cat")), False)
        self.assertIs(await done(service.user_exists("dog")), False)
        self.assertIs(await done(service.group_exists("dogs")), False)

    async def test_groups(self):
        dan = await self.connect(user_id="dan")
        service, group, dan_id = self.service, "it's in 日本", dan.connection_id

        async def is_in():
            await done(service.send_to_group(group, 1))
            await done(service.send_to_user("dan", 2))
            await dan.server_messages(1)
            return [member.connection_id for member in await everything(service.list_connections(group=group))]

        for add, remove in [
            (service.add_connection_to_group, lambda: service.remove_connection_from_group(group, dan_id)),
            (service.add_user_to_group, lambda: service.remove_user_from_group(group, "dan")),
            (service.add_user_to_group, lambda: service.remove_user_from_all_groups("dan")),
            (service.add_connection_to_group, lambda: service.remove_connection_from_all_groups(dan_id)),
        ]:
            await done(add(group, "dan" if add == service.add_user_to_group else dan_id))
            self.assertEqual(await is_in(), [dan_id])
            self.assertEqual(await dan.group_messages(1), [(group, "json", 1)])
            await done(remove())
            self.assertEqual(await is_in(), [])
        with self.assertRaises(ResourceNotFoundError):
            await done(service.add_connection_to_group(group, "unknown"))
        with self.assertRaises(ResourceNotFoundError):
            await done(service.add_user_to_group(group, "unknown"))

    async def test_listing(self):
        members = [await self.connect(user_id=user, groups=["p & q"]) for user in [None, "b", "c"]]
        expected = sorted((member.connection_id, member.user_id) for member in members)
        listed = lambda **options: self.service.list_connections(group="p & q", **options)
        shown = lambda found: [(member.connection_id, member.user_id) for member in found]
        self.assertEqual(shown(await everything(listed())), expected)
        self.assertEqual(shown(await everything(listed(maxpagesize=1, top=2))), expected[:2])
        self.assertEqual([shown(page) for page in await pages(listed(maxpagesize=2))], [expected[:2], expected[2:]])
        self.assertEqual(await everything(self.service.list_connections(group="nobody")), [])

    async def test_permissions(self):
        eve = await self.connect(user_id="eve")
        service, target = self.service, {"target_name": "g 1"}

        async def may_send():
            try:
                await done(eve.client.send_to_group("g 1", "x", WebPubSubDataType.TEXT, no_echo=True))
                return True
            except SendMessageError as error:
                self.assertEqual(error.error_detail.name, "Forbidden")
                return False

        async def has(permission):
            return await done(service.has_permission(permission, eve.connection_id, **target))

        self.assertEqual((await has("sendToGroup"), await may_send()), (False, False))
        await done(service.grant_permission("sendToGroup", eve.connection_id, **target))
        self.assertEqual((await has("sendToGroup"), await may_send()), (True, True))
        self.assertIs(await has("joinLeaveGroup"), False)
        await done(service.revoke_permission("sendToGroup", eve.connection_id, **target))
        self.assertEqual((await has("sendToGroup"), await may_send()), (False, False))
        with self.assertRaises(ResourceNotFoundError):
            await done(service.grant_permission("sendToGroup", "unknown", **target))

    async def test_closing(self):
        service, reason = self.service, "bye & thanks, ü"
        by_id, last = await self.connect(), await self.connect()
        user, user_too = await self.connect(user_id="u"), await self.connect(user_id="u")
        member, member_too = await self.connect(groups=["g"]), await self.connect(groups=["g"])

        async def was_closed(receiver):
            (event,) = await receiver.take(CallbackType.DISCONNECTED, 1)
            self.assertEqual(event.message, reason)
            await receiver.take(CallbackType.STOPPED, 1)
            self.assertIs(await done(service.connection_exists(receiver.connection_id)), False)

        await done(service.close_connection(by_id.connection_id, reason=reason))
        await was_closed(by_id)
        await done(service.close_user_connections("u", excluded=[user_too.connection_id], reason=reason))
        await was_closed(user)
        self.assertIs(await done(service.connection_exists(user_too.connection_id)), True)
        await done(service.close_group_connections("g", excluded=[member_too.connection_id], reason=reason))
        await was_closed(member)
        self.assertIs(await done(service.connection_exists(member_too.connection_id)), True)
        await done(service.close_all_connections(excluded=[last.connection_id], reason=reason))
        await was_closed(user_too)
        await was_closed(member_too)
        self.assertIs(await done(service.connection_exists(last.connection_id)), True)

    async def test_tokens(self):
        granted = {"roles": ["webpubsub.joinLeaveGroup.mine"], "groups": ["start"]}
        options = {"minutes_to_expire": 5, "jwt_headers": {"kid": "1"}}
        given = await done(self.service.get_client_access_token(user_id="ida", **granted, **options))
        ida = await self.open(lambda: given["url"])
        self.assertEqual(ida.user_id, "ida")
        self.assertIs(await done(self.service.group_exists("start")), True)
        await done(ida.client.join_group("mine"))
        with self.assertRaises(SendMessageError) as raised:
            await done(ida.client.join_group("other"))
        self.assertEqual(raised.exception.error_detail.name, "Forbidden")

        wrong = self.flavour.service(ENDPOINT, self.hub, AzureKeyCredential("another key, as long as it has to be to sign"))
        with self.assertRaises(ClientAuthenticationError):
            await done(wrong.send_to_all(1))
        await done(wrong.close())

    async def test_entra(self):
        service = self.flavour.service(ENDPOINT, self.hub, self.flavour.credential(UnvalidatedCredential()))
        # azure-core sends such a token over plain http only when it is told to.
        granted = {"roles": EVERYTHING, "groups": ["g"], "minutes_to_expire": 5}
        given = await done(service.get_client_access_token(user_id="jïm", enforce_https=False, **granted))
        jim = await self.open(lambda: given["url"])
        self.assertEqual(jim.user_id, "jïm")
        await done(service.send_to_group("g", "hi", content_type="text/plain", enforce_https=False))
        self.assertEqual(await jim.group_messages(1), [("g", "text", "hi")])
        await done(jim.client.leave_group("g"))
        self.assertIs(await done(service.group_exists("g", enforce_https=False)), False)
        await done(service.close())

    async def test_client_messages(self):
        for protocol in WebPubSubProtocolType:
            with self.subTest(protocol):
                ann = await self.connect(protocol, user_id="ann", roles=EVERYTHING)
                bob = await self.connect(protocol, user_id="bob", roles=EVERYTHING)
                group = f"chat {protocol.name}"
                for receiver in (ann, bob):
                    await done(receiver.client.join_group(group))
                await done(ann.client.send_to_group(group, {"n": 1}, WebPubSubDataType.JSON))
                await done(ann.client.send_to_group(group, "text", WebPubSubDataType.TEXT, no_echo=True))
                await done(ann.client.send_to_group(group, memoryview(b"\x00\xff"), WebPubSubDataType.BINARY, ack=False))
                self.assertCountEqual(
                    await bob.group_messages(3),
                    [(group, "json", {"n": 1}), (group, "text", "text"), (group, "binary", b"\x00\xff")],
                )
                self.assertCountEqual(await ann.group_messages(2), [(group, "json", {"n": 1}), (group, "binary", b"\x00\xff")])
                await done(bob.client.leave_group(group))
                await done(ann.client.send_to_group(group, "after", WebPubSubDataType.TEXT))
                self.assertEqual(await ann.group_messages(1), [(group, "text", "after")])
                self.assertEqual(await self.received(bob), [])
                with self.assertRaises(SendMessageError) as raised:
                    await done(ann.client.send_event("unhandled", "x", WebPubSubDataType.TEXT))
                self.assertEqual(raised.exception.error_detail.name, "InternalServerError")

    async def test_client_recovers(self):
        fay = await self.connect(user_id="fay", reconnects=3)
        await done(self.service.send_to_user("fay", 1))
        await fay.server_messages(1)
        self.cut("fay")
        for number in (2, 3):
            await done(self.service.send_to_user("fay", number))
        self.assertCountEqual(await fay.server_messages(2), [("json", 2), ("json", 3)])
        self.assertIs(await done(self.service.connection_exists(fay.connection_id)), True)

    async def test_client_reconnects_and_joins_again(self):
        gil = await self.connect(WebPubSubProtocolType.JSON, user_id="gil", roles=EVERYTHING, reconnects=3)
        await done(gil.client.join_group("again"))
        self.cut("gil")
        await gil.take(CallbackType.DISCONNECTED, 1)
        (connected,) = await gil.take(CallbackType.CONNECTED, 1)
        self.assertNotEqual(connected.connection_id, gil.connection_id)
        deadline = time.monotonic() + 10
        while not await done(self.service.group_exists("again")):
            self.assertLess(time.monotonic(), deadline)
        await done(self.service.send_to_group("again", 1))
        self.assertEqual(await gil.group_messages(1), [("again", "json", 1)])

    def cut(self, user_id):
        """Lets the emulator drop the socket of a user."""
        self.assertEqual(self.inject({"type": "cut", "userId": user_id}), {"cut": 1})

    async def test_the_clock_is_set_forward_over_http(self):
        before = self.ask("clock")["now"]
        # Only a little, because the tests share the clock.
        self.assertGreaterEqual(self.ask("clock", {"advanceMs": 1})["now"], before + 1)

    def inject(self, fault):
        """Injects a fault into the emulator."""
        return self.ask("faults", fault)

    def ask(self, what, body=None):
        """Asks the emulator about the hub of the test, or posts a body."""
        request = urllib.request.Request(
            f"{ENDPOINT}/_emulator/{what}?hub={self.hub}",
            None if body is None else json.dumps(body).encode(),
            # Under wrangler dev, reading needs the key.
            {"content-type": "application/json", "authorization": f"Bearer {PARTS['AccessKey']}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


class TestSync(Peers, unittest.IsolatedAsyncioTestCase):
    flavour = Sync


class TestAio(Peers, unittest.IsolatedAsyncioTestCase):
    flavour = Aio


class UnvalidatedCredential:
    """Tokens that look like those of Entra ID."""

    def get_token(self, *scopes, **options):
        assert scopes == ("https://webpubsub.azure.com/.default",), scopes
        expires = int(time.time()) + 600
        part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
        claims = {"aud": "https://webpubsub.azure.com", "exp": expires}
        return AccessToken(f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{part('signed')}", expires)
