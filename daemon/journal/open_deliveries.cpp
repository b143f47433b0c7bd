#include "journal/open_deliveries.hpp"

#include <fmt/format.h>

#include "journal/database.hpp"
#include "journal/lock_file.hpp"
#include "journal/schema.hpp"
#include "journal/totals.hpp"

namespace relay {

Result<std::uint64_t> count_open_deliveries(const std::string& path) {
  const auto lock_path = LockFile::path_for(path);
  try {
    if (!database_file_exists(path, "")) return fail(fmt::format("there is no journal at {}", path));
    if (LockFile::is_held(lock_path)) {
      return fail(fmt::format("a relay is running with {}; stop it first, since the number changes", path));
    }
    const auto note = LockFile::look(lock_path);
    if (!note) return fail(note.error().message);
    if (*note && (*note)->running && !database_file_exists(path + "-wal", "")) {
      return fail(fmt::format("{}-wal is missing: the newest submissions were in it", path));
    }
    Connection connection(path, Connection::Mode::read_stopped, "");
    const ReadTransaction transaction(connection);
    const std::int64_t version = connection.integer("PRAGMA user_version");
    if (connection.integer("PRAGMA application_id") != journal_application_id || version != journal_schema_version) {
      return fail(
          fmt::format("{} is of schema {}, this version counts in schema {}", path, version, journal_schema_version));
    }
    const Totals totals = TotalsReader(connection).read();
    std::uint64_t open = 0;
    for (const TotalsRow& row : totals.rows()) open += row.queued + row.dead_letter;
    if (LockFile::is_held(lock_path)) return fail(fmt::format("a relay was started with {} meanwhile", path));
    return open;
  } catch (const DatabaseError& error) {
    return fail(fmt::format("can't read {}: {}", path, error.what()));
  }
}

}  // namespace relay
