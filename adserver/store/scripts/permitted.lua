-- Which of these commands this user may not run here; a script that is stopped half-way by one of
-- them would leave counts behind that do not fit together.
-- KEYS: any key of ours in this place; ARGV: commands
-- Returns those that are not permitted
local missing = {}
if not redis.acl_check_cmd then return missing end  -- before Redis 7.0
for _, command in ipairs(ARGV) do
  if not redis.acl_check_cmd(command, KEYS[1]) then
    missing[#missing + 1] = command
  end
end
return missing
