#include "journal/uploads.hpp"

#include "journal/payload_row.hpp"
#include "journal/writer_statements.hpp"

namespace relay {

namespace {
constexpr int sweep_slice = 1;  // of 256 KiB
}

JournalUpload::~JournalUpload() {
  if (state_->taken) return;
  state_->given_up = true;
  state_->sweep_if_given_up();
}

ChunkCommand::ChunkCommand(std::shared_ptr<UploadState> upload, std::string bytes, const PayloadCipher& cipher,
                           ChunkCallback callback)
    : upload_(std::move(upload)),
      size_(bytes.size()),
      row_(frame_payload(std::move(bytes), {upload_->id, static_cast<std::uint32_t>(upload_->chunks.load()), false, {}},
                         cipher)),
      callback_(std::move(callback)) {}

void ChunkCommand::apply(WriteTransaction& transaction) {
  number_ = upload_->number;
  if (number_ == 0) {
    number_ = transaction.state.next_upload++;
    transaction.statements.insert_upload.run(number_, blob_of(upload_->id.bytes));
  }
  transaction.statements.insert_chunk.run(chunk_key(number_, upload_->chunks), Blob{row_});
}

void ChunkCommand::committed() {
  upload_->number = number_;
  ++upload_->chunks;
  upload_->bytes += size_;
  upload_->sweep_if_given_up();
  callback_(Result<void, AppendRefusal>());
}

Command::Fate ChunkCommand::not_saved(AppendRefusal why) {
  callback_(Failure{why});
  return Fate::done;
}

UploadSweeper::UploadSweeper(Connection& connection)
    : connection_(connection),
      open_uploads_(connection, "SELECT upload FROM upload ORDER BY upload"),
      erase_slice_(connection,
                   "DELETE FROM payload_chunk WHERE chunk IN (SELECT chunk FROM payload_chunk"
                   " WHERE chunk >= ?1 AND chunk < ?2 ORDER BY chunk LIMIT ?3)"),
      erase_upload_(connection, "DELETE FROM upload WHERE upload = ?1") {}

void UploadSweeper::load() {
  for (Rows rows = open_uploads_.rows(); rows.next();) waiting_.push_back(rows.integer(0));
}

bool UploadSweeper::sweep() {
  const std::int64_t upload = waiting_.front();
  erase_slice_.run(chunk_key(upload, 0), chunk_key(upload + 1, 0), sweep_slice);
  if (connection_.changes() == sweep_slice) return false;
  erase_upload_.run(upload);
  return true;
}

}  // namespace relay
