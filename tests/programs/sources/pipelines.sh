# Pipelines, substitutions, a subshell, a trapped signal and a background job: the shell itself starts 14 children.
trap 'echo trapped' USR1
for word in one two three; do
  echo $word | tr a-z A-Z | sort
done
count=$(seq 100 | wc -l)
echo $count
(exit 3) || echo failed $?
kill -USR1 $$
sleep 0.01 &
wait $!
cat < <(echo through)
cat <<< document
exit 4
