#include "journal/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "journal/database.hpp"
#include "journal/lock_file.hpp"
#include "journal/schema.hpp"
#include "journal/sealing_keys.hpp"
#include "journal/totals.hpp"
#include "journal/verify_rows.hpp"

namespace relay {

namespace {

// Where the WAL may not be emptied because of this long reader, it grows; at this size the check gives way,
// well before the writer takes nothing more because of it.
constexpr std::uintmax_t wal_cap = 96ull * 1024 * 1024;

// Everything is read within one transaction, so that rows and totals belong to one commit.
class Verification {
 public:
  // `journal_id`: what the lock file names.
  Verification(const std::string& path, std::optional<Uuid> journal_id, Connection& connection, VerifyReport& report,
               const std::function<void(const VerifyFinding&)>& found, const VerifyKeys& keys)
      : path_(path), journal_id_(journal_id), connection_(connection), report_(report), found_(found), keys_(keys) {}

  void run() {
    const ReadTransaction transaction(connection_);
    const std::int64_t version = connection_.integer("PRAGMA user_version");
    if (version > journal_schema_version) {
      report_.not_checked.push_back(
          fmt::format("the journal was written by a newer version (schema {}, this one knows "
                      "{}); verify it with that version",
                      version, journal_schema_version));
      return;
    }
    step("the pages", [&] { check_pages(); });
    if (version > 0 && version < journal_schema_version) {
      report_.not_checked.push_back(
          fmt::format("the rows, since an earlier version wrote the journal (schema {}, this one's is {}); the relay "
                      "brings it up to date when it starts",
                      version, journal_schema_version));
      return;
    }
    bool schema_holds = false;
    step("the schema", [&] { schema_holds = check_schema(); });
    if (!schema_holds) {
      report_.not_checked.push_back("the rows, since the tables aren't those of this version");
      return;
    }
    const auto cipher = unlock();
    VerifyRows rows(
        connection_, report_,
        [this](std::string code, std::string submission, std::string text) {
          add(std::move(code), std::move(submission), std::move(text));
        },
        cipher ? *cipher : PayloadCipher::none(), cipher != nullptr);
    step("the submissions", [&] { rows.check_submissions([this] { make_way(); }); });
    step("the deliveries", [&] { rows.check_deliveries([this] { make_way(); }); });
    step("the order of deliveries", [&] { rows.check_turns([this] { make_way(); }); });
    step("the records", [&] { rows.check_records([this] { make_way(); }); });
    step("the query parameters", [&] { rows.check_queries([this] { make_way(); }); });
    step("the attempts", [&] { rows.check_attempts([this] { make_way(); }); });
    step("the chunks", [&] { rows.check_chunks([this] { make_way(); }); });
    step("the audit and what else operators left", [&] { rows.check_operator_rows([this] { make_way(); }); });
    step("the pending moves", [&] { rows.check_pending_moves([this] { make_way(); }); });
    step("the totals", [&] {
      rows.check_totals();
      read_totals();
    });
    step("its own row", [&] { rows.check_own_row(journal_id_); });
    if (!report_.findings.empty()) step("what is undelivered", [&] { name_undelivered(); });
  }

 private:
  struct GaveWay {
    std::string why;
  };

  template <class Check>
  void step(const char* what, Check check) {
    if (given_up_) return;
    try {
      check();
    } catch (const DatabaseError& error) {
      if (error.corrupt()) add("page", "-", fmt::format("{} can't be read to the end: {}", what, error.what()));
      report_.not_checked.push_back(fmt::format("{}: {}", what, error.what()));
    } catch (const GaveWay& gave_way) {
      report_.not_checked.push_back(fmt::format("{} and what comes after: {}", what, gave_way.why));
      given_up_ = true;
    }
  }

  void add(std::string code, std::string submission, std::string text) {
    report_.findings.push_back({std::move(code), std::move(submission), std::move(text)});
    if (found_) found_(report_.findings.back());
  }

  void check_pages() {
    Statement pages(connection_, "PRAGMA integrity_check(100)");
    for (Rows rows = pages.rows(); rows.next();) {
      if (rows.bytes(0) != "ok") add("page", "-", rows.string(0));
    }
  }

  // Nothing where something is sealed and can't be opened.
  std::shared_ptr<const PayloadCipher> unlock() {
    Uuid id;
    {
      Statement own(connection_, "SELECT journal_id FROM journal WHERE only = 1");
      Rows rows = own.rows();
      if (rows.next() && rows.bytes(0).size() == id.bytes.size()) {
        std::copy_n(rows.bytes(0).begin(), id.bytes.size(), id.bytes.begin());
      }
    }
    std::shared_ptr<const PayloadCipher> cipher;
    step("the seals", [&] {
      auto unlocked = unlock_journal(connection_, id, keys_.keys);
      if (unlocked) {
        cipher = std::move(*unlocked);
      } else if (keys_.missing.empty()) {
        report_.not_checked.push_back("the seals: the journal " + unlocked.error().message);
      } else {
        report_.not_checked.push_back("the seals: " + keys_.missing);
      }
    });
    return cipher;
  }

  void read_totals() {
    Statement own(connection_, "SELECT commit_number FROM journal WHERE only = 1");
    if (Rows rows = own.rows(); rows.next()) report_.as_of = rows.count(0);
    Totals totals = TotalsReader(connection_).read();
    for (const TotalsRow& row : totals.rows()) report_.totals[row.name] = public_totals(row);
  }

  bool check_schema() {
    bool holds = true;
    if (connection_.integer("PRAGMA application_id") != journal_application_id) {
      add("schema", "-", "the database isn't marked as a journal");
    }
    if (!connection_.header_lets_write()) {
      add("page", "-", "the database's header names a way to write it that doesn't exist");
    }
    for (const std::string& difference : schema_differences(connection_)) {
      add("schema", "-", difference);
      holds = holds && difference.ends_with("doesn't belong to a journal");
    }
    return holds;
  }

  // As many as can be found, whatever is damaged beside them.
  void name_undelivered() {
    std::set<std::string> damaged;
    for (const VerifyFinding& finding : report_.findings) {
      if (finding.code == "digest" || finding.code == "seal") damaged.insert(finding.submission);
    }
    std::set<std::int64_t> undelivered;
    for (const char* sql : {"SELECT seq FROM delivery", "SELECT seq FROM record WHERE state = 3"}) {
      step("what is undelivered", [&] {
        Statement all(connection_, sql);
        for (Rows rows = all.rows(); rows.next();) undelivered.insert(rows.integer(0));
      });
    }
    Statement by_seq(connection_, "SELECT id FROM submission WHERE seq = ?1");
    for (const std::int64_t seq : undelivered) {
      try {
        Rows rows = by_seq.rows(seq);
        SubmissionId id;
        if (!rows.next() || rows.bytes(0).size() != id.bytes.size()) continue;
        std::copy_n(rows.bytes(0).begin(), id.bytes.size(), id.bytes.begin());
        if (!damaged.contains(id.text())) report_.undelivered.push_back(id.text());
      } catch (const DatabaseError&) {
        continue;  // on a damaged page, which a finding has named already
      }
    }
  }

  // Asked every few rows.
  void make_way() {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_ + "-wal", error);
    if (!error && size > wal_cap) {
      throw GaveWay{"the WAL has grown to its cap meanwhile, since this check holds it; try again when less comes in"};
    }
  }

  const std::string& path_;
  const std::optional<Uuid> journal_id_;
  Connection& connection_;
  VerifyReport& report_;
  const std::function<void(const VerifyFinding&)>& found_;
  const VerifyKeys& keys_;
  bool given_up_ = false;
};

struct Beside {
  Connection connection;
  bool stopped = false;  // nobody else has it open, so no lock was taken
};

// Beside a daemon as a reader like its own; without one so that nothing is touched, not even the -shm file.
Beside open_to_read(const std::string& path, const std::string& vfs) {
  if (!vfs.empty()) return {Connection(path, Connection::Mode::read, vfs), false};
  if (LockFile::is_held(LockFile::path_for(path))) return {Connection(path, Connection::Mode::read, vfs), false};
  return {Connection(path, Connection::Mode::read_stopped, vfs), true};
}

}  // namespace

Result<VerifyReport> verify_journal(const std::string& path, const std::string& vfs,
                                    const std::function<void(const VerifyFinding&)>& found, const VerifyKeys& keys) {
  VerifyReport report;
  try {
    if (!database_file_exists(path, vfs)) {
      return fail(fmt::format("there is no journal at {}; set journal.path, or put it back", path));
    }
    Beside beside = open_to_read(path, vfs);
    const auto lock_path = LockFile::path_for(path);
    const auto note = LockFile::look(lock_path);
    if (!note) {
      report.findings.push_back({"state", "-", note.error().message});
      if (found) found(report.findings.back());
    } else if (*note && (*note)->running && !database_file_exists(path + "-wal", vfs)) {
      report.findings.push_back(
          {"state", "-", fmt::format("{}-wal is missing: the newest submissions were in it", path)});
      if (found) found(report.findings.back());
    }
    const auto journal_id = note && *note ? std::optional((*note)->journal_id) : std::nullopt;
    Verification(path, journal_id, beside.connection, report, found, keys).run();
    if (beside.stopped && LockFile::is_held(lock_path)) {
      report.not_checked.push_back(
          "a relay was started meanwhile: what was read may not belong together; run it again");
    }
    return report;
  } catch (const DatabaseError& error) {
    if (!error.corrupt()) return fail(fmt::format("can't open {}: {}", path, error.what()));
    // So damaged that it can't even be opened is a finding like any other, not a reason to say nothing.
    report.findings.push_back({"page", "-", fmt::format("{} can't be read as a database", path)});
    if (found) found(report.findings.back());
    return report;
  }
}

}  // namespace relay
