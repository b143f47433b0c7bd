#include "journal/offline_journal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "journal/lock_file.hpp"
#include "journal/reading_pool.hpp"
#include "journal/schema.hpp"
#include "journal/sealing_keys.hpp"
#include "journal/undelivered.hpp"

namespace relay {

namespace {

constexpr Connection::Mode mode = Connection::Mode::read_stopped;

class StoppedJournal : public OfflineJournal {
 public:
  explicit StoppedJournal(std::shared_ptr<ReadingPool> pool) : pool_(std::move(pool)) {}

  std::unique_ptr<UndeliveredReader> undelivered() override { return std::make_unique<JournalUndelivered>(pool_); }

  Result<std::shared_ptr<PayloadSource>> payload_of(const SubmissionId& id) override {
    try {
      auto reader = pool_->lease();
      const auto row = reader->submissions.by_id(id);
      if (!row) return fail("the journal has no submission with this id");
      return make_payload_source(pool_, payload_place(row->seq, row->upload, row->submission, row->sound));
    } catch (const DatabaseError& error) {
      return fail(fmt::format("the journal can't be read: {}", error.what()));
    }
  }

 private:
  const std::shared_ptr<ReadingPool> pool_;
};

std::string complaint_about_version(std::int64_t version, const std::string& path) {
  if (version > journal_schema_version) {
    return fmt::format("{} was written by a newer version (schema {}, this one knows {}); export it with that version",
                       path, version, journal_schema_version);
  }
  return fmt::format("{} was written by an older version (schema {}, this one is {}); export it with that version",
                     path, version, journal_schema_version);
}

std::optional<Uuid> journal_id_of(Connection& connection) {
  Statement own(connection, "SELECT journal_id FROM journal WHERE only = 1");
  Rows rows = own.rows();
  Uuid id;
  if (!rows.next() || rows.bytes(0).size() != id.bytes.size()) return std::nullopt;
  std::copy_n(rows.bytes(0).begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace

Result<std::unique_ptr<OfflineJournal>> OfflineJournal::open(const std::string& path, const std::vector<Secret>& keys) {
  if (!database_file_exists(path, "")) {
    return fail(fmt::format("there is no journal at {}; set journal.path, or put it back", path));
  }
  if (LockFile::is_held(LockFile::path_for(path))) {
    return fail(fmt::format("a relay runs on {}: leave out --offline, or stop it first", path));
  }
  try {
    Connection connection(path, mode, "");
    const std::int64_t version = connection.integer("PRAGMA user_version");
    if (version != journal_schema_version) return fail(complaint_about_version(version, path));
    const auto id = journal_id_of(connection);
    if (!id) return fail(fmt::format("{} is damaged: its own row can't be read; run `edge-relay verify`", path));
    auto cipher = unlock_journal(connection, *id, keys);
    if (!cipher) return fail(fmt::format("{} {}", path, cipher.error().message));
    return std::unique_ptr<OfflineJournal>(
        std::make_unique<StoppedJournal>(std::make_shared<ReadingPool>(path, "", std::move(*cipher), mode)));
  } catch (const DatabaseError& error) {
    return fail(fmt::format("can't read {}: {}; run `edge-relay verify`", path, error.what()));
  }
}

}  // namespace relay
