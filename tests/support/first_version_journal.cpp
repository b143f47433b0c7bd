#include "support/first_version_journal.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/uuid.hpp"
#include "journal/database.hpp"
#include "journal/idempotency.hpp"
#include "journal/lock_file.hpp"
#include "journal/payload_row.hpp"
#include "journal/row_digest.hpp"
#include "journal/schema.hpp"
#include "journal/uploads.hpp"

namespace relay {
namespace {

constexpr std::int64_t first_version = 1;
constexpr int submissions = 24;
// Their submissions were erased long ago: with two of a rotation's slices to go through, a cut falls between them.
constexpr int keys_of_nobody = 1'200;

class FirstVersion {
 public:
  FirstVersion(const JournalOptions& options, JournalModel& model, const Clock& clock, std::mt19937_64& random)
      : connection_(options.path, Connection::Mode::write, options.vfs),
        model_(model),
        clock_(clock),
        random_(random),
        journal_id_(UuidGenerator(clock).next()) {
    create_schema(connection_, journal_id_, clock.wall_now(), first_version);
  }

  Uuid make() {
    connection_.execute("BEGIN IMMEDIATE");
    for (const std::string& destination : model_.destinations()) {
      numbers_[destination] = static_cast<std::int64_t>(numbers_.size()) + 1;
    }
    for (int i = 0; i < submissions; ++i) add_submission();
    for (int i = 0; i < keys_of_nobody; ++i) add_key("nobody's:" + std::to_string(random_()), next_seq_++);
    add_totals();
    Statement(connection_, "UPDATE journal SET openings = 3, commit_number = 40, next_seq = ?1, next_upload = ?2")
        .run(next_seq_, next_upload_);
    connection_.execute("COMMIT");
    connection_.checkpoint(Connection::Checkpoint::truncate);
    connection_.keep_wal_on_close(false);
    return journal_id_;
  }

 private:
  struct Counts {
    std::int64_t queued = 0, delivered = 0, dead_letter = 0, tried = 0;
  };

  void add_submission() {
    const std::size_t size =
        random_() % 5 == 0 ? inline_payload_limit.value + 1 + random_() % 400'000 : random_() % 3'000 + 1;
    KnownSubmission& known = model_.invent(clock_, size);
    if (random_() % 2) known.key = "http:" + known.submission.client + ":" + std::to_string(random_());
    known.answer = KnownSubmission::Answer::acknowledged;
    const std::int64_t seq = next_seq_++;
    add_row(seq, known.submission, JournalModel::payload(known.payload_seed, size), known.destinations.size());
    ++by_intake_[known.submission.intake];
    for (std::size_t position = 0; position < known.destinations.size(); ++position) {
      const std::string& destination = known.destinations[position];
      add_delivery(seq, position, known, destination);
    }
    if (known.key) add_key(*known.key, seq);
  }

  void add_row(std::int64_t seq, const Submission& submission, const std::string& payload, std::size_t deliveries) {
    const PayloadCipher& plain = PayloadCipher::none();
    const RowDigest digest = row_digest(submission);
    std::optional<std::int64_t> upload;
    std::string row;
    if (payload.size() > inline_payload_limit.value) {
      upload = next_upload_++;
      Statement chunk(connection_, "INSERT INTO payload_chunk VALUES (?1, ?2)");
      for (std::size_t at = 0, number = 0; at < payload.size(); at += payload_chunk_size.value, ++number) {
        const std::string framed = frame_payload(payload.substr(at, payload_chunk_size.value), {}, plain);
        chunk.run(chunk_key(*upload, static_cast<std::int64_t>(number)), Blob{framed});
      }
    } else {
      row = frame_payload(payload, {}, plain);
    }
    Statement insert(connection_,
                     "INSERT INTO submission VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?14)");
    insert.run(seq, blob_of(submission.id.bytes), submission.client, submission.content_type,
               submission.content_type_parameters, submission.payload_name, submission.intake, submission.size.value,
               blob_of(submission.sha256.bytes), submission.accepted_at, blob_of(digest), deliveries, upload,
               upload ? std::optional<Blob>() : std::optional(Blob{row}));
  }

  void add_delivery(std::int64_t seq, std::size_t position, KnownSubmission& known, const std::string& destination) {
    const std::int64_t number = numbers_[destination];
    Counts& counts = counts_[destination];
    KnownDelivery& delivery = known.deliveries[destination];
    const unsigned dice = static_cast<unsigned>(random_() % 4);
    if (dice < 2) {
      ++counts.queued;
      Statement(connection_, "INSERT INTO delivery VALUES (?1, 0, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0)")
          .run(number, seq, known.submission.client, position, known.submission.accepted_at);
      return;
    }
    const bool accepted = dice == 2;
    const DeliveryState state = accepted ? DeliveryState::delivered : DeliveryState::dead_letter;
    ++(accepted ? counts.delivered : counts.dead_letter);
    ++counts.tried;
    delivery.possible = {state};
    delivery.attempts_least = delivery.attempts_most = 1;
    delivery.ended_at = clock_.wall_now();
    Statement(connection_, "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, 0, 0)")
        .run(seq, number, position, state, clock_.wall_now());
    Statement attempt(connection_, "INSERT INTO attempt VALUES (?1, ?2, 1, ?3, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9)");
    if (accepted) {
      attempt.run(seq, number, clock_.wall_now(), Outcome::accepted, std::nullopt, std::nullopt, std::nullopt,
                  std::nullopt, std::string(R"({"message_id":"42"})"));
    } else {
      attempt.run(seq, number, clock_.wall_now(), Outcome::refused, ErrorKind::refused, 422,
                  std::string("the queue answered 422"), std::string("no"), std::nullopt);
    }
  }

  void add_key(const std::string& key, std::int64_t seq) {
    const auto hashes = idempotency_hashes(journal_id_, PayloadCipher::none(), key);
    const char* table =
        random_() % 2 ? "INSERT INTO idempotency_0 VALUES (?1, ?2)" : "INSERT INTO idempotency_1 VALUES (?1, ?2)";
    Statement(connection_, table).run(blob_of(hashes.front()), seq);
  }

  void add_totals() {
    Statement insert(connection_,
                     "INSERT INTO totals VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?4, ?6, 0, 0, 0, 0, 0, 0)");
    for (const auto& [destination, number] : numbers_) {
      const Counts& counts = counts_[destination];
      insert.run(number, destination, counts.queued + counts.delivered + counts.dead_letter, counts.delivered,
                 counts.queued, counts.dead_letter);
    }
    Statement intake(connection_, "INSERT INTO intake_total VALUES (?1, ?2)");
    for (const auto& [door, accepted] : by_intake_) intake.run(door, accepted);
  }

  Connection connection_;
  JournalModel& model_;
  const Clock& clock_;
  std::mt19937_64& random_;
  const Uuid journal_id_;
  std::int64_t next_seq_ = 1;
  std::int64_t next_upload_ = 1;
  std::map<std::string, std::int64_t> numbers_;
  std::map<std::string, Counts> counts_;
  std::map<Intake, std::int64_t> by_intake_;
};

}  // namespace

void make_first_version_journal(const JournalOptions& options, JournalModel& model, const Clock& clock,
                                std::mt19937_64& random) {
  auto lock = LockFile::acquire(LockFile::path_for(options.path));
  if (!lock) throw std::runtime_error(lock.error().message);
  if (options.vfs.empty()) {
    // As private as a daemon makes it, whatever the umask; its WAL takes the database's mode.
    std::ofstream(options.path, std::ios::binary);
    std::filesystem::permissions(options.path,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  const Uuid journal_id = FirstVersion(options, model, clock, random).make();
  lock->write({journal_id, false});
}

}  // namespace relay
