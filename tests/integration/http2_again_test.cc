// A service that resets an HTTP/2 stream in mid-answer and wants HTTP/1.1 for it. libcurl of its own accord would send
// the request again: append another answer to the first, from a body that is wiped and freed by then.

#include <openssl/ssl.h>

#include <numeric>

#include "answer_stream.h"
#include "certificates.h"
#include "conversation_fixture.h"
#include "http/curl_transport.h"
#include "scripted_server.h"

namespace warppool::internal {
namespace {

// TLS over the bytes of a scripted connection. What fails, fails because the client is gone.
class TlsEnd {
 public:
  TlsEnd(SSL_CTX* context, ScriptedServer::Connection* below) : below_(below), ssl_(SSL_new(context), SSL_free) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }
  // Exactly `count` bytes.
  bool Read(std::size_t count, std::string* to) {
    to->assign(count, '\0');
    const auto read = [&](char& byte) { return Do([&] { return SSL_read(ssl_.get(), &byte, 1); }) > 0; };
    return std::all_of(to->begin(), to->end(), read);
  }
  bool Write(const std::string& bytes) {
    return Do([&] { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); }) > 0;
  }

 private:
  template <typename Call>
  int Do(const Call& call) {
    while (true) {
      const int result = call();
      const int error = SSL_get_error(ssl_.get(), result);
      char* data = nullptr;
      const auto size = static_cast<std::size_t>(BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data));
      if (size > 0 && !below_->Send({data, size})) return -1;
      static_cast<void>(BIO_reset(SSL_get_wbio(ssl_.get())));
      if (result > 0 || error != SSL_ERROR_WANT_READ) return result;
      std::string bytes;
      if (below_->Read(&bytes, 16'384) <= 0) return -1;
      BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
  }

  ScriptedServer::Connection* const below_;
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

// Speaks HTTP/2 or HTTP/1.1. The first request's stream is reset with HTTP_1_1_REQUIRED behind its answer.
class ResettingServer {
 public:
  using Decide = std::function<std::string(const std::vector<std::string>& bodies)>;  // all; answers the last one
  explicit ResettingServer(Decide decide) : decide_(std::move(decide)) {
    const auto take_first = [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned,
                               void*) {
      *size = *in;
      *out = in + 1;
      return SSL_TLSEXT_ERR_OK;
    };
    SSL_CTX_set_alpn_select_cb(certificates_.context.get(), take_first, nullptr);
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(server_.port()); }
  std::string ca_file() const { return authority_.path(); }
  std::vector<std::string> Bodies() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return bodies_;
  }

 private:
  enum FrameType : char { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6 };
  enum FrameFlag : char { kNone = 0, kEndStream = 1, kAck = 1, kEndHeaders = 4 };

  static std::string Frame(FrameType type, FrameFlag flag, const std::string& stream, const std::string& payload) {
    const auto size = static_cast<int>(payload.size());
    return std::string{0, static_cast<char>(size >> 8), static_cast<char>(size & 0xFF), type, flag} + stream + payload;
  }
  std::string Answer(const std::string& body) {
    const std::lock_guard<std::mutex> lock(mutex_);
    bodies_.push_back(body);
    return decide_(bodies_);
  }
  void Serve(ScriptedServer::Connection* connection) {
    TlsEnd end(certificates_.context.get(), connection);
    std::string first;
    if (end.Read(4, &first)) first == "PRI " ? ServeHttp2(&end) : ServeHttp1(&end);
  }
  void ServeHttp2(TlsEnd* end) {
    const std::string all(4, '\0');
    std::string head;
    std::string payload;
    std::string body;  // of one request at a time
    if (!end->Read(20, &payload) || !end->Write(Frame(kSettings, kNone, all, ""))) return;
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(head[at])); };
    while (end->Read(9, &head) && end->Read(byte(0) << 16 | byte(1) << 8 | byte(2), &payload)) {
      const bool is_marked = (head[4] & 1) != 0;  // kEndStream or kAck
      if (head[3] == kSettings && !is_marked) end->Write(Frame(kSettings, kAck, all, ""));
      // libcurl has taken what came before the ping, whose payload is the stream: its reset comes in mid-answer.
      if (head[3] == kPing && is_marked) end->Write(Frame(kReset, kNone, payload.substr(4), {"\0\0\0\x0D", 4}));
      if (head[3] == kData) body += payload;
      if (head[3] > kHeaders || !is_marked) continue;
      const std::string stream = head.substr(5);
      const bool resets = Bodies().empty();
      end->Write(Frame(kHeaders, kEndHeaders, stream, "\x88\x0F\x10\x11text/event-stream") +  // 200, content-type
                 Frame(kData, resets ? kNone : kEndStream, stream, Answer(std::exchange(body, {}))) +
                 (resets ? Frame(kPing, kNone, all, stream + stream) : ""));
    }
  }
  void ServeHttp1(TlsEnd* end) {
    std::string head;
    std::string next;
    while (head.find("\r\n\r\n") == std::string::npos && end->Read(1, &next)) head += next;
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos || !end->Read(std::strtoul(head.c_str() + at + 16, nullptr, 10), &next)) return;
    const std::string bytes = Answer(next);
    end->Write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\nContent-Length: " +
               std::to_string(bytes.size()) + "\r\n\r\n" + bytes);
  }

  const Decide decide_;
  const loopback::Certificates certificates_ = loopback::MakeCertificates();
  const loopback::TemporaryFile authority_{certificates_.authority_pem};
  mutable std::mutex mutex_;
  std::vector<std::string> bodies_;
  ScriptedServer server_{[this](auto* connection) { Serve(connection); }};  // last, since it serves at once
};

struct AnswerTaker final : HttpHandler {
  void OnHead(HttpHead /*head*/) override {}
  void OnBody(std::string_view bytes) override { answer += bytes; }
  void OnDone(const TransferResult& result) override {
    error = result.error;
    loop.Stop();
  }
  EventLoop loop;
  std::string answer;
  TransferError error = TransferError::kNone;
};

const std::string kQuestion(5'000, '?');

}  // namespace

TEST_CASE("HTTP/2: a request that the service wants over HTTP/1.1 is not sent again in mid-answer") {
  ResettingServer server([](const auto& /*bodies*/) { return "beginning"; });
  AnswerTaker taker;
  CurlTransport transport(&taker.loop, {server.ca_file(), {}, {}});
  REQUIRE((taker.loop.Open().ok() && transport.Open().ok()));
  taker.loop.Post([&] {
    auto target = std::make_shared<HttpTarget>(HttpTarget{.url = server.url(), .headers = {}});
    HttpRequest request;
    request.target = std::move(target);
    request.body = kQuestion;
    request.silence_timeout = kPatience;
    transport.Start(std::move(request), &taker);
  });
  taker.loop.Run();
  transport.Shutdown();
  CHECK(taker.answer == "beginning");
  CHECK(taker.error == TransferError::kConnectionLost);
  CHECK(server.Bodies().size() == 1);
  CHECK((server.Bodies() == std::vector{kQuestion}));  // not printed: what is wrong may be any memory
}

TEST_CASE("HTTP/2: an answer that breaks off since the service wants HTTP/1.1 is a stream that was cut") {
  const bool has_begun = GENERATE(false, true);
  ResettingServer server([&](const std::vector<std::string>& bodies) {
    wire::Request request;
    static_cast<void>(request.ParseFromString(bodies.back()));
    loopback::Answer answer;
    answer.request_id = "request-" + std::to_string(bodies.size());
    answer.steps = {loopback::Say(bodies.size() == 1 ? "aaaabbbb" : "cccc", 2)};
    auto frames = loopback::AnswerFrames(answer, request.task_context()).all;
    if (bodies.size() == 1) frames.resize(has_begun ? 3 : 1);
    return std::accumulate(frames.begin(), frames.end(), std::string());
  });
  World world;
  Config config = ConfigFor(world.service, {kKey});
  config.tokens[0].kind = CredentialKind::kApiKey;
  config.server_url = server.url();
  config.ca_bundle = server.ca_file();
  Client& client = world.Connect(std::move(config));
  Conversation conversation;
  Viewer viewer(&world);
  CHECK(viewer.Turn(&client, Request(kQuestion), &conversation).ToString() == "ok");
  CHECK(viewer.steps() == (has_begun ? "st5stf" : "3stf"));
  CHECK(viewer.answer() == (has_begun ? "aaaacccc" : "cccc"));
  CHECK(viewer.failures().at(0).first == Code::kConnectionLost);
  CHECK(client.Statistics().tokens[0].counters.Of(Outcome::kStreamCut) == 1);
  const auto bodies = server.Bodies();
  REQUIRE(bodies.size() == 2);
  CHECK((bodies[1] == bodies[0]) == !has_begun);
  wire::Request second;
  REQUIRE(second.ParseFromString(bodies[1]));
  CHECK(second.input().has_resume_conversation() == has_begun);
}

}  // namespace warppool::internal
