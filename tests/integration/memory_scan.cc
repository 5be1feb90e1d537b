// Uses a client as programs do, closes it, and looks through its own memory for what the client was given.
//
//   memory_scan <plain|wiping_libcurl|wiping_openssl|wiping> <.env file>
//
// The file has a personal token, a shared one that is an API key, and an anonymous one that the service refuses.
// It writes a line for each place where it finds one: "<when> <which> <form> <mapping> <address>". `open`: while the
// client is there, and has to know them. `closed`: after it, when nobody should.
//
// A copy may be the library's, or of libcurl and OpenSSL, which give memory back as it is. So they get another
// allocator here, which wipes what is given back: with `wiping` both of them, and what is found then is the library's;
// with `plain` none, as in any program.
//
// What it looks for is never in its memory as it is, but masked; the texts it is made of stand in the program's
// constants, which cannot be written, and where nobody looks.

#include <curl/curl.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memory_scan_secrets.h"
#include "warppool/client.h"

namespace memory_scan {
namespace {

constexpr unsigned char kMask = 0xA5;

// ------------------------------------------------------------------------------- Memory that is wiped at its end -----

void* WipingAlloc(std::size_t size) {
  return std::malloc(size);
}
void WipingFree(void* block) {
  if (block != nullptr) explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}
void* WipingRealloc(void* old, std::size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr || old == nullptr) return block;
  std::memcpy(block, old, std::min(size, malloc_usable_size(old)));
  WipingFree(old);
  return block;
}
char* WipingStrdup(const char* text) {
  const std::size_t size = std::strlen(text) + 1;
  return static_cast<char*>(std::memcpy(std::malloc(size), text, size));
}
void* WipingCalloc(std::size_t count, std::size_t size) {
  return std::calloc(count, size);
}

bool GiveOpenSslWipingMemory() {
  const auto alloc = [](std::size_t size, const char*, int) { return WipingAlloc(size); };
  const auto again = [](void* old, std::size_t size, const char*, int) { return WipingRealloc(old, size); };
  const auto free = [](void* block, const char*, int) { WipingFree(block); };
  return CRYPTO_set_mem_functions(alloc, again, free) == 1;
}

bool GiveLibcurlWipingMemory() {
  return curl_global_init_mem(CURL_GLOBAL_DEFAULT, &WipingAlloc, &WipingFree, &WipingRealloc, &WipingStrdup,
                              &WipingCalloc) == CURLE_OK;
}

// ----------------------------------------------------------------------------------------- What is looked for --------

// The text goes through registers only.
std::vector<unsigned char> Masked(std::string_view text) {
  std::vector<unsigned char> masked;
  masked.reserve(text.size());
  for (const char c : text) masked.push_back(static_cast<unsigned char>(c) ^ kMask);
  return masked;
}

// The forms of a secret that is masked, masked again.
std::vector<unsigned char> PercentEncoded(const std::vector<unsigned char>& secret) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::vector<unsigned char> encoded;
  for (const unsigned char masked : secret) {
    const unsigned char c = masked ^ kMask;
    const bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_alnum || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded.push_back(masked);
    } else {
      for (const char digit : {'%', kDigits[c >> 4U], kDigits[c & 0xFU]}) {
        encoded.push_back(static_cast<unsigned char>(digit) ^ kMask);
      }
    }
  }
  return encoded;
}

// `before`: bytes that stand before it.
std::vector<unsigned char> InBase64(const std::vector<unsigned char>& secret, std::size_t before, bool for_urls) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::vector<unsigned char> encoded;
  unsigned bits = 0;
  unsigned count = static_cast<unsigned>(before) * 8 % 6;
  for (const unsigned char masked : secret) {
    bits = (bits << 8U | static_cast<unsigned char>(masked ^ kMask)) & 0xFFFFU;
    for (count += 8; count >= 6; count -= 6) {
      const unsigned value = bits >> (count - 6) & 0x3FU;
      const char c = value < 62 ? kLetters[value] : value == 62 ? (for_urls ? '-' : '+') : (for_urls ? '_' : '/');
      encoded.push_back(static_cast<unsigned char>(c) ^ kMask);
    }
  }
  encoded.erase(encoded.begin());  // it depends on what stands before it
  return encoded;
}

struct Needle {
  const char* name;
  const char* form;
  std::vector<unsigned char> masked;
};

// A piece of a needle is enough: memory that was given back has lost its beginning to the allocator, and a text that
// grew has left its first part only.
constexpr std::size_t kPiece = 16;
constexpr std::size_t kStep = 4;

struct Piece {
  const Needle* needle;
  std::size_t offset;
};

class Needles {
 public:
  void Add(const char* name, const std::vector<unsigned char>& secret) {
    needles_.push_back({name, "raw", secret});
    needles_.push_back({name, "percent-encoded", PercentEncoded(secret)});
    for (std::size_t before = 0; before < 3; ++before) {
      needles_.push_back({name, "base64", InBase64(secret, before, false)});
      needles_.push_back({name, "base64url", InBase64(secret, before, true)});
    }
  }

  // Writes what of them is in memory that can be written.
  void Look(const char* when) {
    Prepare();
    std::ifstream maps("/proc/self/maps");
    std::vector<std::string> lines;
    for (std::string line; std::getline(maps, line);) lines.push_back(line);
    for (const std::string& line : lines) {
      unsigned long begin = 0;
      unsigned long end = 0;
      char access[5] = {};
      char path[256] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %255s", &begin, &end, access, path) < 3) continue;
      if (access[0] != 'r' || access[1] != 'w') continue;
      LookIn(when, path[0] == '\0' ? "anonymous" : path, reinterpret_cast<const unsigned char*>(begin),
             reinterpret_cast<const unsigned char*>(end));
    }
  }

 private:
  void Prepare() {
    pieces_.assign(0x10000, {});
    for (const Needle& needle : needles_) {
      for (std::size_t i = 0; i + kPiece <= needle.masked.size(); i += kStep) {
        pieces_[Key(needle.masked[i], needle.masked[i + 1])].push_back({&needle, i});
      }
    }
  }
  static std::size_t Key(unsigned char first, unsigned char second) {
    return static_cast<std::size_t>(first) << 8U | second;
  }

  void LookIn(const char* when, const char* where, const unsigned char* begin, const unsigned char* end) const {
    std::map<std::string_view, const unsigned char*> told_until;  // of each secret, for a copy to be told once
    for (const unsigned char* at = begin; at + kPiece <= end; ++at) {
      for (const Piece& piece : pieces_[Key(at[0] ^ kMask, at[1] ^ kMask)]) {
        const unsigned char* const masked = piece.needle->masked.data() + piece.offset;
        std::size_t same = 2;
        while (same < kPiece && (at[same] ^ kMask) == masked[same]) ++same;
        if (same < kPiece || at < told_until[piece.needle->name]) continue;
        told_until[piece.needle->name] = at + (piece.needle->masked.size() - piece.offset);
        std::printf("%s %s %s %s %p\n", when, piece.needle->name, piece.needle->form, where,
                    static_cast<const void*>(at));
      }
    }
  }

  std::vector<Needle> needles_;
  std::vector<std::vector<Piece>> pieces_;
};

// ------------------------------------------------------------------------------------------------ The client ---------

int Fail(const char* what, const warppool::Status& status) {
  std::fprintf(stderr, "%s: %s\n", what, status.ToString().c_str());
  return 1;
}

int Use(const char* env_file, Needles* needles) {
  warppool::LoadOptions options;
  options.env_file = env_file;
  options.environment.emplace();
  auto config = warppool::LoadConfig(options);
  if (!config.ok()) return Fail("LoadConfig", config.status());
  auto client = warppool::Client::Create(*std::move(config));
  if (!client.ok()) return Fail("Create", client.status());

  for (const warppool::Tier tier : {warppool::Tier::kPersonal, warppool::Tier::kShared}) {
    warppool::Request request("hello");
    request.tiers = {tier};
    request.model_keys.keys[warppool::ModelProvider::kAnthropic] = warppool::Secret(kModelKey);
    const warppool::Answer answer = (*client)->Ask(request);
    if (!answer.ok()) return Fail(warppool::TierName(tier), answer.status);
  }
  warppool::Request refused("hello");
  refused.tiers = {warppool::Tier::kAnonymous};
  refused.wait_for_token = false;
  if ((*client)->Ask(refused).ok()) return 1;
  static_cast<void>((*client)->CheckHealth({}));
  {
    const auto jwt = (*client)->AccessToken();
    if (!jwt.ok()) return Fail("AccessToken", jwt.status());
    needles->Add("jwt", Masked(jwt->value.Reveal()));
  }
  needles->Look("open");
  return 0;
}

}  // namespace
}  // namespace memory_scan

int main(int argc, char** argv) {
  using namespace memory_scan;
  if (argc != 3) return 2;
  const std::string_view mode = argv[1];
  if ((mode == "wiping" || mode == "wiping_openssl") && !GiveOpenSslWipingMemory()) return 3;
  if ((mode == "wiping" || mode == "wiping_libcurl") && !GiveLibcurlWipingMemory()) return 3;
  Needles needles;
  needles.Add("refresh_token", Masked(kRefreshToken));
  needles.Add("rotated_token", Masked(kRotatedToken));
  needles.Add("refused_token", Masked(kRefusedToken));
  needles.Add("api_key", Masked(kApiKey));
  needles.Add("firebase_key", Masked(kFirebaseKey));
  needles.Add("model_key", Masked(kModelKey));
  needles.Add("proxy_password", Masked(kProxyPassword));
  if (const int failed = Use(argv[2], &needles)) return failed;
  needles.Look("closed");
  std::printf("done\n");
}
