// The order of the steps, what each request carries, and what happens between them.
#include "destinations/azure_storage_queue.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "base/digest.hpp"
#include "destinations/envelope_reportstream.hpp"
#include "destinations/registry.hpp"
#include "support/memory_payload.hpp"
#include "support/storage_service.hpp"
#include "support/temporary_folder.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;
using Kind = FaultAnswer::Kind;

const std::string payload = "MSH|^~\\&|LAB\rPID|1||\xF6\r";

class AzureQueue : public ::testing::Test {
 protected:
  void make() {
    DestinationSettings destination_settings;
    destination_settings.name = "reportstream";
    destination_settings.system = settings;
    destination_settings.timeout = 500ms;
    destination = make_destination(destination_settings, "lab-014", system_clock());
  }

  AttemptResult deliver(const Submission& submission, const std::string& bytes = payload) {
    if (!destination) make();
    Delivery delivery;
    delivery.attempt = ++attempts;
    delivery.submission = submission;
    delivery.payload = std::make_shared<MemoryPayload>(bytes);
    destination->start(std::move(delivery));
    for (int turn = 0; turn < 300; ++turn)
      if (auto results = destination->poll(100ms); !results.empty()) return std::move(results.front().result);
    ADD_FAILURE() << "no result came";
    return {};
  }

  // "PUT blob", "POST table", "POST queue", … in order.
  std::vector<std::string> steps() {
    std::vector<std::string> found;
    for (const SeenRequest& request : service.server().requests())
      found.push_back(request.method + " " + request.target.substr(1, request.target.find('/', 1) - 1));
    return found;
  }

  // That service answers so to every request but the first `after` ones.
  void answer(const std::string& part, const FaultAnswer& wrong, int times = 1'000'000) {
    service.interfere([part, wrong, left = std::make_shared<std::atomic<int>>(times)](
                          const std::string& asked, const SeenRequest&) -> std::optional<FaultAnswer> {
      if (asked != part || left->fetch_sub(1) <= 0) return std::nullopt;
      return wrong;
    });
  }

  StorageService service;
  AzureStorageQueueSettings settings = service.settings();
  std::unique_ptr<Destination> destination;
  std::uint64_t attempts = 0;
};

TEST_F(AzureQueue, WritesBlobThenRowThenMessage) {
  const Submission submission = submission_of(payload);
  const auto result = deliver(submission);
  EXPECT_EQ(result.outcome, Outcome::accepted);
  EXPECT_EQ(steps(), (std::vector<std::string>{"PUT blob", "POST table", "POST queue"}));
  const std::string url = service.endpoint("blob") + "/reports/" + reportstream_blob_name(submission);
  EXPECT_EQ(service.blobs().at("reports/" + reportstream_blob_name(submission)), payload);
  EXPECT_EQ(boost::json::parse(service.rows().at(submission.id.text())).at("body_url").as_string(), url);
  EXPECT_EQ(base64_decode(service.messages().at(0)), reportstream_message(submission, url, "elr"));
  EXPECT_EQ(result.receipt, (Receipt{{"blob_url", url},
                                     {"message_id", "message-1"},
                                     {"insertion_time", "Tue, 24 Nov 2026 18:00:00 GMT"},
                                     {"expiration_time", "Fri, 31 Dec 9999 23:59:59 GMT"}}));
}

TEST_F(AzureQueue, EveryRequestIsDatedVersionedAndNamed) {
  const Submission submission = submission_of(payload);
  deliver(submission);
  for (const SeenRequest& request : service.server().requests()) {
    EXPECT_EQ(request.headers.at("user-agent"), "edge-relay/" RELAY_VERSION " (lab-014)");
    EXPECT_EQ(request.headers.at("x-ms-client-request-id"), submission.id.text());
    EXPECT_TRUE(request.headers.at("authorization").starts_with("SharedKey testaccount:"));
    EXPECT_TRUE(parse_http_date(request.headers.at("x-ms-date")));
    EXPECT_FALSE(request.headers.contains("expect"));
  }
  EXPECT_EQ(service.server().requests()[0].headers.at("x-ms-blob-type"), "BlockBlob");
  EXPECT_EQ(service.server().requests()[0].headers.at("content-type"), "application/hl7-v2");
}

TEST_F(AzureQueue, AMessageNeverExpiresUnlessToldSo) {
  deliver(submission_of(payload));
  EXPECT_TRUE(service.server().requests().back().target.ends_with("/elr/messages?messagettl=-1&visibilitytimeout=0"));
  settings.message_ttl = std::chrono::hours(48);
  make();
  deliver(submission_of(payload));
  EXPECT_TRUE(service.server().requests().back().target.ends_with("messagettl=172800&visibilitytimeout=0"));
}

TEST_F(AzureQueue, WithoutATableNoRowIsWritten) {
  settings.table.clear();
  EXPECT_EQ(deliver(submission_of(payload)).outcome, Outcome::accepted);
  EXPECT_EQ(steps(), (std::vector<std::string>{"PUT blob", "POST queue"}));
}

TEST_F(AzureQueue, ARowThatIsThereAlreadyIsDone) {
  const Submission submission = submission_of(payload);
  answer("queue", StorageService::error(503, "ServerBusy"), 1);
  EXPECT_EQ(deliver(submission).outcome, Outcome::try_later);
  EXPECT_EQ(deliver(submission).outcome, Outcome::accepted);
  EXPECT_EQ(service.messages().size(), 1U);
  EXPECT_EQ(service.rows().size(), 1U);
  EXPECT_EQ(service.blobs().size(), 1U);
}

TEST_F(AzureQueue, NoMessageGoesOutBeforeBlobAndRowAreThere) {
  for (const std::string part : {"blob", "table"})
    for (const FaultAnswer& wrong :
         {StorageService::error(503, "ServerBusy", part), StorageService::error(403, "AuthorizationFailure", part),
          StorageService::web_page(201), FaultAnswer{Kind::close, 0, {}, {}}, FaultAnswer{Kind::hang, 0, {}, {}}}) {
      answer(part, wrong);
      EXPECT_NE(deliver(submission_of(payload)).outcome, Outcome::accepted) << part << wrong.status;
      EXPECT_TRUE(service.messages().empty());
    }
}

TEST_F(AzureQueue, OnlyALostAnswerToTheMessageIsPossiblyDelivered) {
  for (const std::string part : {"blob", "table", "queue"})
    for (const Kind kind : {Kind::close, Kind::hang, Kind::close_in_body}) {
      answer(part, FaultAnswer{kind, 201, {}, "<QueueMessagesList><MessageId>x</MessageId></QueueMessagesList>"});
      const auto result = deliver(submission_of(payload));
      if (part == "blob" && kind == Kind::close && result.outcome == Outcome::accepted) continue;  // repeated, harmless
      EXPECT_EQ(result.outcome, Outcome::unknown) << part << static_cast<int>(kind);
      EXPECT_EQ(result.possibly_delivered, part == "queue");
    }
}

TEST_F(AzureQueue, APayloadTooLargeForTheServiceIsRefused) {
  answer("blob", StorageService::error(413, "RequestBodyTooLarge"));
  const auto result = deliver(submission_of(payload));
  EXPECT_EQ(result.outcome, Outcome::refused);
  EXPECT_EQ(result.error->kind, ErrorKind::too_large);
}

TEST_F(AzureQueue, WhatIsMissingIsNamedAndNotMadeUnasked) {
  StorageService empty(false);
  settings = empty.settings();
  const auto result = deliver(submission_of(payload));
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_EQ(result.error->kind, ErrorKind::not_found);
  EXPECT_NE(result.error->message.find("blob container reports"), std::string::npos);
  EXPECT_TRUE(empty.things().empty());
}

TEST_F(AzureQueue, WithCreateAllIsMadeBeforeTheFirstSubmission) {
  StorageService empty(false);
  settings = empty.settings();
  settings.create = true;
  make();
  EXPECT_EQ(destination->in_flight(), 0U);
  for (int turn = 0; turn < 300 && empty.things().size() < 3; ++turn) EXPECT_TRUE(destination->poll(100ms).empty());
  EXPECT_EQ(empty.things(), (std::set<std::string>{"queue elr", "blob reports", "table submission"}));
  EXPECT_EQ(destination->in_flight(), 0U);
}

TEST_F(AzureQueue, WithCreateWhatGoesMissingLaterIsMadeAgainInTheSameTry) {
  settings.create = true;
  for (const auto& [part, code] :
       {std::pair{"blob", "ContainerNotFound"}, {"table", "TableNotFound"}, {"queue", "QueueNotFound"}}) {
    make();
    deliver(submission_of(payload));  // the set-up is through
    answer(part, StorageService::error(404, code, part), 1);
    EXPECT_EQ(deliver(submission_of(payload)).outcome, Outcome::accepted) << part;
    answer(part, StorageService::error(404, code, part), 1'000);
    EXPECT_EQ(deliver(submission_of(payload)).error->kind, ErrorKind::not_found) << "once a try is enough";
    service.interfere({});
  }
}

TEST_F(AzureQueue, AKeyThatIsPutRightInItsFileIsReadOnceATry) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "sas";
  std::ofstream(file) << "sp=wac&ss=bqt&srt=sco&sig=wrong\n";
  settings.account_key = SecretText();
  settings.account_sas = SecretText("${file:" + file.string() + "}", Secret("sp=wac&ss=bqt&srt=sco&sig=wrong"));
  service.expect_signature("right");
  auto result = deliver(submission_of(payload));
  EXPECT_EQ(result.outcome, Outcome::broken);
  EXPECT_EQ(result.error->kind, ErrorKind::sign_in);
  EXPECT_EQ(steps().size(), 1U) << "an unchanged secret isn't tried again";
  std::ofstream(file) << "sp=wac&ss=bqt&srt=sco&sig=wrong2\n";
  EXPECT_EQ(deliver(submission_of(payload)).outcome, Outcome::broken);
  EXPECT_EQ(steps().size(), 3U);
  std::filesystem::remove(file);
  result = deliver(submission_of(payload));
  EXPECT_NE(result.error->message.find("can't be read again"), std::string::npos) << result.error->message;
  std::ofstream(file) << "sp=wac&ss=bqt&srt=sco&sig=right\n";
  EXPECT_EQ(deliver(submission_of(payload)).outcome, Outcome::accepted);
  for (const SeenRequest& request : service.server().requests())
    EXPECT_FALSE(request.headers.contains("authorization"));
}

TEST_F(AzureQueue, AConnectionStringInAFileIsDerivedAnew) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "connection-string";
  const std::string text = "QueueEndpoint=" + service.endpoint("queue") + ";BlobEndpoint=" + service.endpoint("blob") +
                           ";TableEndpoint=" + service.endpoint("table") +
                           ";SharedAccessSignature=ss=bqt&srt=sco&sp=wac&sig=";
  settings = AzureStorageQueueSettings();
  settings.queue = "elr";
  settings.connection_string = SecretText("${file:" + file.string() + "}", Secret(text + "old"));
  service.expect_signature("new");
  std::ofstream(file) << text << "new\n";
  EXPECT_EQ(deliver(submission_of(payload)).outcome, Outcome::accepted);
}

TEST_F(AzureQueue, ASecretNeverGetsIntoABlobUrlOrAMessage) {
  settings.account_key = SecretText();
  settings.account_sas = SecretText(std::string("ss=bqt&srt=sco&sp=wac&sig=hush"));
  service.expect_signature("hush");
  const auto result = deliver(submission_of(payload));
  EXPECT_EQ(result.receipt.at("blob_url").find("hush"), std::string::npos);
  EXPECT_EQ(base64_decode(service.messages().at(0)).value().find("hush"), std::string::npos);
  service.server().stop();
  EXPECT_EQ(deliver(submission_of(payload)).error->message.find("hush"), std::string::npos);
}

TEST_F(AzureQueue, RawTextIsTheMessageItself) {
  settings.envelope = ReportStreamEnvelope::raw;
  settings.encoding = RawEncoding::text;
  const std::string text = "MSH|^~\\&|<LAB>\r\nPID|&\r\xC3\xA9";
  EXPECT_EQ(deliver(submission_of(text), text).outcome, Outcome::accepted);
  EXPECT_EQ(service.messages(), std::vector<std::string>{text});
  EXPECT_EQ(steps(), std::vector<std::string>{"POST queue"});
  const auto result = deliver(submission_of("a\x0B"), "a\x0B");
  EXPECT_EQ(result.outcome, Outcome::refused);
  EXPECT_NE(result.error->message.find("encoding: base64"), std::string::npos);
}

TEST_F(AzureQueue, ItsLimitsAreThoseOfItsEnvelope) {
  DestinationSettings destination_settings;
  destination_settings.system = settings;
  auto limits = limits_of(destination_settings);
  EXPECT_EQ(limits.max_payload.value, 50'000'000U);
  EXPECT_EQ(limits.content_types, (std::vector<std::string>{"application/hl7-v2", "application/fhir+ndjson"}));
  EXPECT_TRUE(limits.reaches_reportstream);
  settings.envelope = ReportStreamEnvelope::raw;
  destination_settings.system = settings;
  limits = limits_of(destination_settings);
  EXPECT_EQ(limits.max_payload.value, 49'152U);
  EXPECT_TRUE(limits.content_types.empty());
  EXPECT_FALSE(limits.reaches_reportstream);
}

class AzureProbe : public AzureQueue {
 protected:
  std::vector<ProbeFinding> probe() {
    make();
    return destination->probe();
  }
  void use_sas(const std::string& rights) {
    settings.account_key = SecretText();
    settings.account_sas = SecretText("ss=bqt&srt=sco&sig=x&" + rights);
  }
};

TEST_F(AzureProbe, FindsAllWellAndChangesNothing) {
  const auto findings = probe();
  ASSERT_EQ(findings.size(), 3U);
  for (const auto& finding : findings) EXPECT_EQ(finding.kind, ProbeFinding::Kind::good) << finding.text;
  for (const SeenRequest& request : service.server().requests()) EXPECT_EQ(request.method, "GET");
}

TEST_F(AzureProbe, TellsWhatIsMissing) {
  StorageService empty(false);
  settings = empty.settings();
  for (const auto& finding : probe()) {
    EXPECT_EQ(finding.kind, ProbeFinding::Kind::bad);
    EXPECT_NE(finding.text.find("NotFound"), std::string::npos) << finding.text;
  }
  settings.create = true;
  for (const auto& finding : probe()) EXPECT_EQ(finding.kind, ProbeFinding::Kind::good) << finding.text;
}

TEST_F(AzureProbe, SaysWhatAnAddOnlySasDoesntLetItSee) {
  use_sas("sp=wa");
  service.interfere([](const std::string& part, const SeenRequest&) {
    return StorageService::error(403, "AuthorizationPermissionMismatch", part);
  });
  for (const auto& finding : probe()) EXPECT_EQ(finding.kind, ProbeFinding::Kind::not_checked) << finding.text;
}

TEST_F(AzureProbe, NamesExpiryMissingRightAndClock) {
  use_sas("sp=wa&se=2020-01-01");
  for (const auto& finding : probe()) {
    EXPECT_EQ(finding.kind, ProbeFinding::Kind::bad);
    EXPECT_NE(finding.text.find("expired"), std::string::npos) << finding.text;
  }
  use_sas("sp=r");
  for (const auto& finding : probe()) {
    EXPECT_EQ(finding.kind, ProbeFinding::Kind::bad);
    EXPECT_NE(finding.text.find("lacks the right"), std::string::npos) << finding.text;
  }
  settings = service.settings();
  FaultAnswer dated = StorageService::error(403, "AuthenticationFailed");
  dated.headers.emplace_back("Date", "Tue, 24 Nov 2020 18:00:00 GMT");
  answer("queue", dated);
  EXPECT_NE(probe().back().text.find("clock is off by"), std::string::npos);
}

}  // namespace
}  // namespace relay
