# SPDX-License-Identifier: MIT
# fish completion for hakctl. Verbs and options come from `hakctl help`, so they are those of the hakctl
# that is installed.

function __hakctl_verbs
    hakctl help 2>/dev/null | string replace -rf '^  ([a-z]+) +([a-z].*)' '$1\t$2'
end

function __hakctl_verb
    set -l words (commandline -opc)
    test (count $words) -ge 2; and echo $words[2]
end

function __hakctl_options
    set -l help (hakctl help (__hakctl_verb) 2>/dev/null)
    string replace -rf '^ +(?:-[a-zA-Z], )?(--[a-z-]+)(?:[ =][A-Z][^ ]*)? {2,}(.*)' '$1\t$2' -- $help
    string replace -rf '^ +(-[a-zA-Z]), --[a-z-]+(?:[ =][A-Z][^ ]*)? {2,}(.*)' '$1\t$2' -- $help
end

function __hakctl_targets
    hakctl ps 2>/dev/null | awk 'NR > 1 && $1 + 0 > 0 { print $1 "\t" $3; print $3 "\tPID " $1 }'
end

function __hakctl_names
    hakctl list --all 2>/dev/null | string replace -rf '^([a-z_.]+) .*' '$1' | sort -u
end

function __hakctl_needs_verb
    set -l words (commandline -opc)
    test (count $words) -eq 1; or test (count $words) -eq 2 -a "$words[2]" = help
end

function __hakctl_needs_name
    set -l words (commandline -opc)
    test (count $words) -eq 2; and contains -- $words[2] get set
end

function __hakctl_needs_target
    set -l verb (__hakctl_verb)
    test -n "$verb"; and not contains -- $verb run help version; and not __hakctl_needs_name
end

complete -c hakctl -f
complete -c hakctl -n __hakctl_needs_verb -a '(__hakctl_verbs)'
complete -c hakctl -n 'test (__hakctl_verb)x != x; and string match -q -- "-*" (commandline -ct)' -a '(__hakctl_options)'
complete -c hakctl -n 'test (__hakctl_verb)x = runx' -x -a '(__fish_complete_subcommand --fcs-skip=2 -l --lib -o --options)'
complete -c hakctl -n __hakctl_needs_name -a '(__hakctl_names)'
complete -c hakctl -n __hakctl_needs_target -a '(__hakctl_targets)'
