// The secrets that memory_scan uses and looks for. Long, so that each part of one tells it from all else, and with
// characters that look different when they are encoded.
#pragma once

#include <string_view>

namespace memory_scan {

inline constexpr std::string_view kRefreshToken =
    "refresh/fake/Kq3vN8sXw2/ZpT7bLm4+YcR9dHj6/GfE1aUo5+WiQn0kBx8/MrVz2tSy";
inline constexpr std::string_view kRotatedToken =
    "rotated/fake/Hn5jQ2wLs9/BvX4cMk7+TzD1gPy3/RfA8eUi6+OqJm0lCx5/NsWb9tKr";
inline constexpr std::string_view kRefusedToken =
    "refused/fake/Wd7xJ4kPv1/LcY8nRb5+EqG2mTz9/SfI6aHu3+UoZj0tKy7/BsXw4gNr";
inline constexpr std::string_view kApiKey =
    "wk-1.fa4e01fa4e02fa4e03fa4e04fa4e05fa4e06fa4e07fa4e08fa4e09fa4e10fa4e11fa4e12fa4e13";
inline constexpr std::string_view kFirebaseKey = "AIzaFakeFirebase+key/Vt6yBn3mKj8/QwE5rTz1+UiO7pAs4/DfG2hLx";
inline constexpr std::string_view kModelKey = "sk-fake-model-key-Zx4cVb7nMq2wEr9tYu5iOp1aSd8fGh3jKl6zXc0vBn";
inline constexpr std::string_view kProxyUser = "fakeuser";
inline constexpr std::string_view kProxyPassword = "fake+proxy/Pw=Lk9jHg4fDs1aPo7iUy2tRe6wQm5nBv8cXz3";
// As it stands in the proxy's URL.
inline constexpr std::string_view kEncodedProxyPassword = "fake%2Bproxy%2FPw%3DLk9jHg4fDs1aPo7iUy2tRe6wQm5nBv8cXz3";

}  // namespace memory_scan
