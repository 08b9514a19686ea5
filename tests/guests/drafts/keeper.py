"""A wasi:cli command made by componentize-py that uses every function of the drafts in its world."""

from wit_world.exports import Run as Exported
from wit_world.imports import atomics, batch, wasi_config_store as config, wasi_keyvalue_store as keyvalue


class Run(Exported):
    def run(self) -> None:
        bucket = keyvalue.open("default")
        bucket.set("a", b"one")
        print(bucket.get("a"), bucket.get("absent"), bucket.exists("a"))
        bucket.delete("a")
        print(bucket.exists("a"))
        print(atomics.increment(bucket, "n", 40), atomics.increment(bucket, "n", 2))
        batch.set_many(bucket, [(f"key {i}", b"x") for i in range(1000)])
        batch.set_many(bucket, [("last", b"\x00\xff")])
        print(batch.get_many(bucket, ["last", "absent"]))
        batch.delete_many(bucket, ["n"])
        first = bucket.list_keys(None)
        second = bucket.list_keys(first.cursor)
        print(len(first.keys), second.keys, second.cursor)
        print(config.get("greeting"), config.get("absent"), config.get_all())
