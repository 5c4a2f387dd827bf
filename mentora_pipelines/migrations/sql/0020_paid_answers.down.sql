drop table budget_holds, paid_answers;
