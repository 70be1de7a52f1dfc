# What is echoed, for capnp-rpc.
@0xb1f9e3c05d6a7a42;

struct Message {
  id @0 :UInt64;
  key @1 :Text;
  value @2 :Data;
}

interface Echo {
  echo @0 (message :Message) -> (message :Message);
}
