# Turns the comments of the public headers into those that Doxygen reads, line for line: they are written with //, and in C
# with /* behind an enumerator or a field, which Doxygen would leave out.
#
# A comment on lines of its own belongs to what follows, one behind a declaration to that; lines that stand under the
# latter, in the same column, go on with it. The comment before `#pragma once` is the file's.

# The manual at the top of the C header stays as it is laid out.
FNR == 1 && $0 == "/*" { print "/** @file"; manual = 1; next }
manual == 1 && /^ \*$/ { print " * @verbatim"; manual = 2; next }
manual == 2 && /^ \*\/$/ { print " * @endverbatim */"; manual = 0; next }
manual { print; next }
/^#pragma once$/ { print "/// @file"; next }

# A line that is a separator between sections says nothing of what follows.
/^ *\/\/ -+ .* -+$|^\/\* -+ .* -- \*\/$/ { print ""; trailing = 0; next }

/^ *\/\/( |$)/ {
  column = match($0, /\/\//)
  if (trailing && column == trailing) {
    sub(/\/\//, "///<")
  } else {
    trailing = 0
    # What is set in by three blanks is code, or a table.
    if (!sub(/\/\/   /, "///       ")) sub(/\/\//, "///")
  }
  print
  next
}

/[;,{}(]  ?\/\/ |^ +[A-Za-z_0-9:<>]+.*  \/\/ / {
  trailing = match($0, /\/\/ /)
  sub(/\/\/ /, "///< ")
  print
  next
}

# C: /* behind an enumerator or a field.
/[,;0-9] +\/\* [^*]/ && !/^ *\/\*/ { sub(/\/\* /, "/**< "); trailing = 0; print; next }

{ trailing = 0; print }
