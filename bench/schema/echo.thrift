// What is echoed, for volo-thrift. Thrift has no unsigned integers: the id's bits travel as an i64.
namespace rs echo

struct Message {
    1: required i64 id,
    2: required string key,
    3: required binary value,
}

service Echo {
    Message echo(1: Message message),
}
