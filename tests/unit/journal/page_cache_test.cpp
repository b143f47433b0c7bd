// How much of the journal a connection keeps in memory: given in KiB, SQLite once kept four times as much as was meant.
#include <gtest/gtest.h>

#include "journal/database.hpp"
#include "journal/schema.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

constexpr std::int64_t mebibyte = 1024 * 1024;

std::int64_t cached_bytes(const Connection& connection) {
  int now = 0;
  int highest = 0;
  EXPECT_EQ(sqlite3_db_status(connection.handle(), SQLITE_DBSTATUS_CACHE_USED, &now, &highest, 0), SQLITE_OK);
  return now;
}

TEST(PageCache, IsEightMebibytesOfTheWriterAndOneOfAReader) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "journal.db";
  {
    Connection writer(path, Connection::Mode::write, "");
    create_schema(writer, Uuid{}, WallTime{}, journal_schema_version);
  }
  Connection writer(path, Connection::Mode::write, "");
  for (int upload = 1; upload <= 12; ++upload) {
    Statement(writer, "INSERT INTO payload_chunk VALUES (?1, zeroblob(?2))").run(upload, 2 * mebibyte);
  }
  writer.integer("SELECT count(*) FROM payload_chunk WHERE bytes = x'00'");
  EXPECT_GT(cached_bytes(writer), 7 * mebibyte);
  EXPECT_LT(cached_bytes(writer), 9 * mebibyte);

  Connection reader(path, Connection::Mode::read, "");
  reader.integer("SELECT count(*) FROM payload_chunk WHERE bytes = x'00'");
  EXPECT_GT(cached_bytes(reader), mebibyte / 2);
  EXPECT_LT(cached_bytes(reader), 3 * mebibyte / 2);
}

}  // namespace
}  // namespace relay
