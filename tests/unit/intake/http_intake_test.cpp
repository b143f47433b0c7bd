// The HTTP door over a real journal, spoken to in bytes.
#include "intake/http_intake.hpp"

#include <zlib.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <thread>
#include <vector>

#include "support/raw_http_client.hpp"
#include "unit/intake/intake_fixture.hpp"

namespace relay::test {
namespace {

namespace json = boost::json;

class HttpIntakeTest : public IntakeTest {
 protected:
  HttpIntakeTest() {
    listener_.listen = {"127.0.0.1", 0, ""};
    listener_.client = "lab.default";
  }
  ~HttpIntakeTest() override {
    if (!intake_) return;
    std::promise<void> drained;
    intake_->stop([&] { drained.set_value(); });
    intake_->close_all();
    drained.get_future().wait();
    work_.reset();
    context_.stop();
    thread_.join();
    intake_.reset();
    // What the writer still holds of a reception refers to the context.
    journal_->close();
  }

  void serve(std::vector<std::string> clients = {}) {
    open(std::move(clients));
    intake_ = std::make_unique<HttpIntake>(context_, listener_, settings_, *receiver_, *journal_);
    const auto started = intake_->start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    thread_ = std::thread([this] { context_.run(); });
  }
  RawHttpClient client() { return RawHttpClient::to_port(intake_->port()); }
  RawResponse post(std::string_view payload, const std::string& headers = "Content-Type: application/hl7-v2\r\n") {
    return client().exchange(post_request(payload, headers)).value();
  }
  void await_accepted() {
    while (accepted("reportstream") == 0) std::this_thread::yield();
  }
  RawResponse get(const std::string& target) {
    return client().exchange("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n").value();
  }

  HttpListenerSettings listener_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  std::unique_ptr<HttpIntake> intake_;
  std::thread thread_;
};

const std::string hl7_type = "Content-Type: application/hl7-v2\r\n";

std::string field_of(const RawResponse& response, std::string_view name) {
  const auto body = json::parse(response.body);
  const auto* value = body.as_object().if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string("(none)");
}

std::string problem_of(const RawResponse& response) {
  EXPECT_EQ(response.field("content-type"), "application/problem+json") << response.body;
  constexpr std::string_view prefix = "urn:edge-relay:problem:";
  const std::string type = field_of(response, "type");
  EXPECT_TRUE(type.starts_with(prefix)) << type;
  EXPECT_EQ(json::parse(response.body).at("status"), response.status);
  return type.substr(prefix.size());
}

TEST_F(HttpIntakeTest, Answers202WithLocationAndKeepsTheConnection) {
  serve();
  auto connection = client();
  const auto response = connection.exchange(post_request(
      hl7, "Content-Type: Application/HL7-v2; charset=utf-8\r\nRelay-Client: lab.a\r\npayloadName: a.hl7\r\n"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->field("content-type"), "application/json");
  const std::string id = field_of(*response, "id");
  EXPECT_EQ(response->field("location"), "/v1/submissions/" + id);
  EXPECT_EQ(response->field("idempotency-replayed"), "");
  EXPECT_EQ(response->field("preference-applied"), "");
  EXPECT_EQ(field_of(*response, "client"), "lab.a");
  EXPECT_EQ(field_of(*response, "payload_name"), "a.hl7");
  EXPECT_EQ(field_of(*response, "content_type"), "application/hl7-v2");
  EXPECT_EQ(kept_payload(*Uuid::parse(id)), hl7);
  const auto found = journal_->find(*Uuid::parse(id), false);
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ((*found)->view.submission.content_type_parameters, "charset=utf-8");

  const auto status = connection.exchange("GET /v1/submissions/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->status, 200);
  EXPECT_EQ(field_of(*status, "id"), id);
  EXPECT_EQ(field_of(*status, "payload_name"), "(none)");
  EXPECT_EQ(status->body.find("a.hl7"), std::string::npos);

  ASSERT_TRUE(connection.send("HEAD /v1/submissions/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(connection.read_response(true)->field("content-length"), std::to_string(status->body.size()));
}

TEST_F(HttpIntakeTest, TakesTheClientOfAnyOfThreeHeadersElseTheListeners) {
  serve();
  EXPECT_EQ(field_of(post(hl7, hl7_type + "client: lab.b\r\n"), "client"), "lab.b");
  EXPECT_EQ(field_of(post(hl7, hl7_type + "Client_Id: lab.c\r\n"), "client"), "lab.c");
  EXPECT_EQ(field_of(post(hl7, hl7_type + "client: lab.d\r\nRelay-Client: lab.d\r\n"), "client"), "lab.d");
  EXPECT_EQ(field_of(post(hl7), "client"), "lab.default");
}

struct Refusal {
  const char* name;
  std::string request;
  int status;
  const char* problem;
};

class Refusals : public HttpIntakeTest, public testing::WithParamInterface<Refusal> {};

TEST_P(Refusals, AreToldByName) {
  serve({"lab.*", "archive.*", "nowhere"});
  const auto response = client().exchange(GetParam().request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, GetParam().status) << response->body;
  EXPECT_EQ(problem_of(*response), GetParam().problem);
}

std::string request(const std::string& line, const std::string& headers) {
  return line + " HTTP/1.1\r\n" + headers + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    InOrder, Refusals,
    testing::Values(
        Refusal{"Framing", request("GET /v1/nothing", ""), 400, "malformed_request"},
        Refusal{"Host", request("GET /v1/nothing", "Host: evil\r\nOrigin: http://evil\r\n"), 403, "foreign_host"},
        Refusal{"Origin", request("GET /v1/nothing", "Host: localhost\r\nOrigin: http://evil\r\n"), 403,
                "foreign_origin"},
        Refusal{"Path", request("PATCH /v1/nothing", "Host: localhost\r\nclient: /\r\n"), 404, "not_found"},
        Refusal{"PathBelow", request("GET /v1/submissions/", "Host: localhost\r\n"), 404, "not_found"},
        Refusal{"PathBehind", request("GET /v1/submissionsX", "Host: localhost\r\n"), 404, "not_found"},
        Refusal{"UnknownId", request("GET /v1/submissions/01935e3a-9b00-7000-8000-000000000001", "Host: localhost\r\n"),
                404, "not_found"},
        Refusal{"NoId", request("GET /v1/submissions/1", "Host: localhost\r\n"), 404, "not_found"},
        Refusal{"Method", request("GET /v1/submissions", "Host: localhost\r\nclient: /\r\n"), 405,
                "method_not_allowed"},
        Refusal{"MethodOfOne",
                request("DELETE /v1/submissions/01935e3a-9b00-7000-8000-000000000001", "Host: localhost\r\n"), 405,
                "method_not_allowed"},
        Refusal{"BadClient", post_request(hl7, "client: a/b\r\n"), 400, "bad_client"},
        Refusal{"EmptyClient", post_request(hl7, "client: \r\n"), 400, "bad_client"},
        Refusal{"TwoClients", post_request(hl7, "client: lab.a\r\nclient_id: lab.b\r\n"), 400, "bad_client"},
        Refusal{"ClientNotAllowed", post_request(hl7, "client: evil\r\n"), 403, "client_not_allowed"},
        Refusal{"TypeMissing", post_request(hl7, "client: nowhere\r\n"), 415, "content_type_missing"},
        Refusal{"TypeUnreadable", post_request(hl7, "Content-Type: hl7\r\n"), 415, "content_type_not_taken"},
        Refusal{"TypeTwice", post_request(hl7, hl7_type + hl7_type), 400, "malformed_request"},
        Refusal{"TypeNotTaken", post_request(hl7, "client: nowhere\r\nContent-Type: image/png\r\n"), 415,
                "content_type_not_taken"},
        Refusal{"Coding", post_request(hl7, hl7_type + "Content-Encoding: gzip, gzip\r\n"), 415,
                "content_type_not_taken"},
        Refusal{"NoRoute", post_request(hl7, "client: nowhere\r\n" + hl7_type), 422, "no_route"},
        Refusal{"TypeOfDestination", post_request(hl7, "Content-Type: text/csv\r\n"), 415, "content_type_not_taken"},
        Refusal{"DeclaredSize",
                request("POST /v1/submissions", "Host: localhost\r\n" + hl7_type + "Content-Length: 3000001\r\n"), 413,
                "payload_too_large"},
        Refusal{"Empty", post_request("", hl7_type), 400, "empty_payload"},
        Refusal{"EmptyChunked",
                request("POST /v1/submissions", "Host: localhost\r\n" + hl7_type + "Transfer-Encoding: chunked\r\n") +
                    "0\r\n\r\n",
                400, "empty_payload"},
        Refusal{"DigestUnreadable", post_request(hl7, hl7_type + "Content-Digest: sha-256=abc\r\n"), 400,
                "digest_mismatch"},
        Refusal{"KeyEmpty", post_request(hl7, hl7_type + "Idempotency-Key: \"\"\r\n"), 400, "malformed_request"},
        Refusal{"RouteBeforeDigestAndKey",
                post_request(hl7, "client: nowhere\r\n" + hl7_type +
                                      "Content-Digest: sha-256=abc\r\nIdempotency-Key: \"\"\r\n"),
                422, "no_route"},
        Refusal{"ValidationBeforeKey", post_request("no MSH", hl7_type + "Idempotency-Key: \"\"\r\n"), 400,
                "invalid_payload"},
        Refusal{"Digest",
                post_request("no MSH",
                             hl7_type + "Content-Digest: sha-256=:" + base64_encode(std::string(32, 'x')) + ":\r\n"),
                400, "digest_mismatch"},
        Refusal{"Validation", post_request("no MSH", hl7_type), 400, "invalid_payload"},
        Refusal{"BrokenChunks",
                request("POST /v1/submissions", "Host: localhost\r\n" + hl7_type + "Transfer-Encoding: chunked\r\n") +
                    "x\r\n",
                400, "malformed_request"}),
    [](const testing::TestParamInfo<Refusal>& refusal) { return std::string(refusal.param.name); });

TEST_F(HttpIntakeTest, NamesNoClientWhereTheListenerHasNone) {
  listener_.client.reset();
  serve();
  EXPECT_EQ(problem_of(post(hl7)), "no_client");
  EXPECT_EQ(post(hl7, hl7_type + "client: lab.a\r\n").status, 202);
}

TEST_F(HttpIntakeTest, SaysWhatWouldBeTaken) {
  serve();
  EXPECT_EQ(post(hl7, "").field("accept-post"),
            "application/hl7-v2, application/fhir+ndjson, application/fhir+json, text/csv, application/xml, "
            "application/octet-stream");
  EXPECT_EQ(post(hl7, hl7_type + "Content-Encoding: br\r\n").field("accept-encoding"), "gzip");
  EXPECT_EQ(get("/v1/submissions").field("allow"), "POST");
}

TEST_F(HttpIntakeTest, ClosesAfterARefusalBeforeTheBodyAndKeepsAfterOneBehindIt) {
  serve();
  auto closed = client();
  EXPECT_EQ(closed.exchange(post_request(hl7, "Content-Type: image/png\r\n"))->field("connection"), "close");
  EXPECT_TRUE(closed.at_end());
  auto kept = client();
  EXPECT_EQ(kept.exchange(post_request("no MSH", hl7_type))->status, 400);
  EXPECT_EQ(kept.exchange(post_request(hl7, hl7_type))->status, 202);
}

TEST_F(HttpIntakeTest, RepeatsAKeyAndSaysSo) {
  serve();
  const std::string key = hl7_type + "Idempotency-Key: \"k 1\"\r\n";
  const auto first = post(hl7, key);
  const auto again = post(hl7, hl7_type + "Idempotency-Key: k 1\r\n");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.field("idempotency-replayed"), "true");
  EXPECT_EQ(field_of(again, "id"), field_of(first, "id"));
  const auto conflict = post(hl7 + "NTE|1\r", key);
  EXPECT_EQ(conflict.status, 422);
  EXPECT_EQ(problem_of(conflict), "idempotency_conflict");
}

TEST_F(HttpIntakeTest, MakesOneSubmissionOfTheSameKeyFromManyAtOnce) {
  serve();
  std::vector<RawHttpClient> clients;
  for (int i = 0; i < 16; ++i) clients.push_back(client());
  for (auto& each : clients) ASSERT_TRUE(each.send(post_request(hl7, hl7_type + "Idempotency-Key: k\r\n")));
  std::string id;
  int replayed = 0;
  for (auto& each : clients) {
    const auto response = each.read_response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 202);
    if (id.empty()) id = field_of(*response, "id");
    EXPECT_EQ(field_of(*response, "id"), id);
    if (response->field("idempotency-replayed") == "true") ++replayed;
  }
  EXPECT_EQ(replayed, 15);
  EXPECT_EQ(accepted("reportstream"), 1U);
}

TEST_F(HttpIntakeTest, StreamsALargeChunkedPayload) {
  serve();
  std::string payload = hl7;
  while (payload.size() < 2'500'000) payload += "OBX|1|NM|some more of it\r";
  auto connection = client();
  ASSERT_TRUE(connection.send("POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\n" + hl7_type +
                              "Transfer-Encoding: chunked\r\n\r\n"));
  for (std::size_t at = 0; at < payload.size(); at += 100'000) {
    const std::string piece = payload.substr(at, 100'000);
    std::array<char, 20> size{};
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
    ASSERT_TRUE(connection.send({size.data(), static_cast<std::size_t>(length)}));
    ASSERT_TRUE(connection.send(piece + "\r\n"));
  }
  ASSERT_TRUE(connection.send("0\r\n\r\n"));
  const auto response = connection.read_response();
  ASSERT_TRUE(response);
  ASSERT_EQ(response->status, 202) << response->body;
  EXPECT_EQ(field_of(*response, "sha256"), sha256(payload).hex());
  EXPECT_TRUE(kept_payload(*Uuid::parse(field_of(*response, "id"))) == payload);
}

TEST_F(HttpIntakeTest, Answers413InTheMiddleOfABodyOfUnknownSize) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send("POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\n" + hl7_type +
                              "Transfer-Encoding: chunked\r\n\r\n989680\r\n"));
  connection.send(hl7 + std::string(9'000'000, 'x'));
  const auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(accepted("reportstream"), 0U);
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string coded(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(coded.data());
  stream.avail_out = static_cast<uInt>(coded.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  coded.resize(stream.total_out);
  ::deflateEnd(&stream);
  return coded;
}

std::string content_digest(std::string_view bytes) {
  const Digest digest = sha256(bytes);
  return "Content-Digest: sha-256=:" + base64_encode(std::string(digest.bytes.begin(), digest.bytes.end())) + ":\r\n";
}

const std::string gzip_type = hl7_type + "Content-Encoding: gzip\r\n";

TEST_F(HttpIntakeTest, UndoesGzipAndChecksTheDigestOfWhatWasSent) {
  serve();
  std::string payload = hl7;
  while (payload.size() < 700'000) payload += "OBX|" + std::to_string(payload.size()) + "\r";
  for (const std::string& coded : {gzip(payload), gzip(payload.substr(0, 5)) + gzip(payload.substr(5))}) {
    const auto response = post(coded, gzip_type + content_digest(coded));
    ASSERT_EQ(response.status, 202) << response.body;
    EXPECT_EQ(field_of(response, "sha256"), sha256(payload).hex());
    EXPECT_TRUE(kept_payload(*Uuid::parse(field_of(response, "id"))) == payload);
  }
  EXPECT_EQ(problem_of(post(gzip(payload), gzip_type + content_digest(payload))), "digest_mismatch");
  // A repeat is told by the decoded bytes, however they were sent.
  const std::string key = "Idempotency-Key: k\r\n";
  EXPECT_EQ(field_of(post(hl7, hl7_type + key), "id"), field_of(post(gzip(hl7), gzip_type + key), "id"));
}

TEST_F(HttpIntakeTest, StopsAGzipBombAndRefusesWhatIsNoWholeGzip) {
  serve();
  EXPECT_EQ(problem_of(post(gzip(hl7 + std::string(50'000'000, 'x')), gzip_type)), "payload_too_large");
  const std::string coded = gzip(hl7);
  EXPECT_EQ(problem_of(post(coded.substr(0, coded.size() - 1), gzip_type)), "malformed_request");
  EXPECT_EQ(problem_of(post(coded + "garbage", gzip_type)), "malformed_request");
  EXPECT_EQ(problem_of(post(hl7, gzip_type)), "malformed_request");
  EXPECT_EQ(problem_of(post(gzip(""), gzip_type)), "empty_payload");
  EXPECT_EQ(problem_of(post("", gzip_type)), "empty_payload");
  EXPECT_EQ(accepted("reportstream"), 0U);
}

TEST_F(HttpIntakeTest, WaitsForDeliveryWherePreferred) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send(post_request(hl7, hl7_type + "Prefer: wait=60\r\n")));
  await_accepted();
  // The answer comes by the settlement, long before the time is over.
  settle_one("reportstream", Settlement::Kind::delivered);
  const auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(field_of(*response, "state"), "delivered");
  EXPECT_EQ(response->field("preference-applied"), "wait=60");
  EXPECT_NE(response->field("location"), "");
}

TEST_F(HttpIntakeTest, Answers202WhenTheWaitIsOver) {
  serve();
  const auto response = post(hl7, hl7_type + "Prefer: wait=0\r\n");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(field_of(response, "state"), "queued");
  EXPECT_EQ(response.field("preference-applied"), "wait=0");
}

TEST_F(HttpIntakeTest, AnswersThoseWhoWaitWhenItStops) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send(post_request(hl7, hl7_type + "Prefer: wait=60\r\n")));
  await_accepted();
  std::promise<void> drained;
  intake_->stop([&] { drained.set_value(); });
  const auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->field("connection"), "close");
  EXPECT_TRUE(connection.at_end());
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(HttpIntakeTest, FinishesWhatIsArrivingWhenTheOperatorStops) {
  serve();
  auto arriving = client();
  const std::string whole = post_request(hl7, hl7_type + "Expect: 100-continue\r\n");
  const std::size_t head = whole.find("\r\n\r\n") + 4;
  ASSERT_TRUE(arriving.send(whole.substr(0, head)));
  ASSERT_TRUE(arriving.read_continue());
  receiver_->stop();
  const auto refused = post(hl7);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(problem_of(refused), "stopping");
  EXPECT_NE(refused.field("retry-after"), "");
  std::promise<void> drained;
  intake_->stop([&] { drained.set_value(); });
  ASSERT_TRUE(arriving.send(whole.substr(head)));
  EXPECT_EQ(arriving.read_response()->status, 202);
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(HttpIntakeTest, ShowsTheLastErrorOfADeadLetter) {
  serve();
  const std::string id = field_of(post(hl7), "id");
  settle_one("reportstream", Settlement::Kind::dead_letter);
  const auto body = json::parse(get("/v1/submissions/" + id).body);
  EXPECT_EQ(body.at("state"), "dead_letter");
  const auto& error = body.at("deliveries").at(0).at("last_error");
  EXPECT_EQ(error.at("kind"), "refused");
  EXPECT_EQ(error.at("status"), 422);
  EXPECT_EQ(error.at("message"), "refused in a test");
}

TEST_F(HttpIntakeTest, ServesManyConnectionsAtOnce) {
  serve();
  std::vector<RawHttpClient> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(client());
  for (int round = 0; round < 10; ++round) {
    for (auto& each : clients) ASSERT_TRUE(each.send(post_request(hl7, hl7_type)));
    for (auto& each : clients) ASSERT_EQ(each.read_response()->status, 202);
  }
  EXPECT_EQ(accepted("reportstream"), 640U);
}

TEST_F(HttpIntakeTest, CountsWhatItRefuses) {
  serve();
  post(hl7, hl7_type + "client: /\r\n");
  client().exchange("GET / HTTP/1.1\r\n\r\n");
  client().exchange("POST /v1/submissions HTTP/1.1\r\nHost: evil\r\nContent-Length: 0\r\n\r\n");
  get("/v1/nothing");
  get("/v1/submissions");
  get("/v1/submissions/" + std::string(36, '0'));
  get("/v1/submissions/01890000-0000-7000-8000-000000000000");  // a question, and no submission that was refused
  ASSERT_EQ(post(hl7).status, 202);
  EXPECT_EQ(counter("submissions_refused", {"http", "bad_client"}), 1U);
  EXPECT_EQ(counter("submissions_refused", {"http", "malformed_request"}), 1U);
  EXPECT_EQ(counter("submissions_refused", {"http", "foreign_host"}), 1U);
  EXPECT_EQ(counter("submissions_refused", {"http", "not_found"}), 2U);
  EXPECT_EQ(counter("submissions_refused", {"http", "method_not_allowed"}), 1U);
}

}  // namespace
}  // namespace relay::test
